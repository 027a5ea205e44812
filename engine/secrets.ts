// Which options are secrets, and their values masked wherever people or programs read them: error messages, REST answers, logs.

/** Parts of option names, as Flink knows them (GlobalConfiguration), and a few that connectors use. */
const NAMES = 'password|secret|token|api-?key|auth-params|service-key|basic-auth|jaas|credential';
const SECRET_NAME = new RegExp(NAMES, 'i');

/**
 * A secret option in a text and its value: `'password' = '...'`, `s3.secret-key: word`, also with the sign or the last quote missing. By text and
 * not by tokens, because where a quote is missing tokens do not tell keys from values.
 */
const SECRET_VALUE = new RegExp(
  String.raw`(?:${NAMES})[\w.-]*'?\s*(?:(?:[=:]\s*)?(?<quoted>(?:'[^']*'?)+)|[=:]\s*(?<bare>[^\s;,)']+))`,
  'dgi',
);

/** What Flink shows in place of a secret. */
export const MASK = '******';

/** Whether the value of this option is a secret; the path of the file that holds a token is none. */
export function isSecretOption(key: string): boolean {
  return SECRET_NAME.test(key) && !key.endsWith('-file');
}

/** Options as they may be shown. */
export function maskOptions(options: [key: string, value: string][]): [key: string, value: string][] {
  return options.map(([key, value]) => [key, isSecretOption(key) ? MASK : value]);
}

/** Where in `text` the values of secret options stand: offsets, end exclusive. */
export function secretValues(text: string): { start: number; end: number }[] {
  return [...text.matchAll(SECRET_VALUE)].map((match) => {
    const { quoted, bare } = match.indices!.groups!;
    const [start, end] = (quoted ?? bare)!;
    return { start, end };
  });
}
