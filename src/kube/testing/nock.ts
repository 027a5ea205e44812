// nock, loaded by Node itself: jest's module system, which stands in front of Node's, cannot load what nock is made of (.mjs files). It works on the process's
// own node:https all the same.
import { Module } from 'node:module';
import { resolve } from 'node:path';
import type Nock from 'nock';

/** What jest put its own class in front of. */
const { createRequire } = Object.getPrototypeOf(Module) as typeof Module;

export const { default: nock } = createRequire(resolve('package.json'))('nock') as { default: typeof Nock };
export type Scope = Nock.Scope;
