/** The reader's environment less its COUNTERSIGN_ settings, which must not reach the story's own process. */
export function environmentWithoutSettings(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('COUNTERSIGN_')),
  );
}
