/** Where in a JSON value stands text that no UTF-8 can hold (a lone surrogate); null where nowhere. */
export function illFormedAt(value: unknown, path: readonly string[] = []): string | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : path.join('.');
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, it] of Object.entries(value)) {
    const at = name.isWellFormed() ? illFormedAt(it, [...path, name]) : path.join('.');
    if (at !== null) return at;
  }
  return null;
}
