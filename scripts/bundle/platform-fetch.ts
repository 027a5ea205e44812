// Stands in for node-fetch in bundles: @kubernetes/client-node uses of it, in what we use of that package, the class Headers. Node has its own; node-fetch
// would bring 0.4 MB and a deprecation warning at every start.

export const Headers = globalThis.Headers;
export default globalThis.fetch;
