/** A path as status and storage have it: Flink writes `file:/a/b` where the embedded engine writes `/a/b`, and both take both. Other URIs stay. A slash at the end is people's own. */
export const plainPath = (uri: string): string => uri.replace(/^file:(\/\/)?(?=\/)/, '').replace(/(?<=[^/])\/+$/, '');
