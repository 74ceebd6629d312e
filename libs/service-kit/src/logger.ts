/** Structured log lines: fields first, then a sentence. pino fits; so does a test's own. */
export interface Log {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Discards everything; for tests that look at records instead. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} };
