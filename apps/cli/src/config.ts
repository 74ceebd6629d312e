/** What the command takes from its environment. Options on the command line stand above it. */
export interface Config {
  readonly url: string;
  /** File with the bearer credential of whoever runs the command. */
  readonly credentialFile: string;
  /** `NO_COLOR` is set, whatever to (no-color.org). */
  readonly plain: boolean;
}

/** Where the standalone app listens, and where it puts its owner's credential, when nobody says otherwise. */
const DEFAULTS = {
  url: 'http://127.0.0.1:4020',
  credentialFile: '.local/standalone/owner.credential',
} as const;

/** Reads the environment; the only place of the command that does. */
export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  return {
    url: env['COUNTERSIGN_URL'] || DEFAULTS.url,
    credentialFile: env['COUNTERSIGN_CREDENTIAL_FILE'] || DEFAULTS.credentialFile,
    plain: (env['NO_COLOR'] ?? '') !== '',
  };
}
