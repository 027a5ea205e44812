// A browser for tests: Debian's Chromium without a window, installed where there is none and it may be.
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { aptInstall } from '../kubernetes/packages.ts';

const PACKAGE = 'chromium-headless-shell';
/** Where Debian and others put one. */
const PROGRAMS = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'].map(
  (name) => `/usr/bin/${name}`,
);

/** Without these Chromium looks for its maker's servers at every start. */
const STAYS_HERE = [
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic'],
  ...['--no-first-run', '--disable-gpu'],
];
/** As root it runs without its sandbox or not at all. */
const AS_ROOT = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

/**
 * FLOWJOB_CHROMIUM names the program where it is elsewhere.
 * @throws Error that says what to install, where that cannot be done here
 */
export async function launchBrowser(log: (line: string) => void): Promise<Browser> {
  const find = (): string | undefined =>
    process.env['FLOWJOB_CHROMIUM'] ?? PROGRAMS.find((program) => existsSync(program));
  if (find() === undefined)
    await aptInstall([PACKAGE], log, {
      whoNeeds: "the test of Flink's web UI",
      otherwise: 'or name a Chromium of yours in FLOWJOB_CHROMIUM',
    });
  return chromium.launch({ executablePath: find()!, args: [...STAYS_HERE, ...AS_ROOT] });
}
