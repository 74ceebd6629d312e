/** Nothing of ours is nested half as deep, and whoever walks a value needs stack for each level. */
const DEPTH_MAX = 32;
/** A place is named, not sent back whole. */
const PATH_MAX_CHARS = 300;

interface Unrecordable {
  /** Names from the whole to the place, with dots between; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/**
 * Where a JSON value cannot be recorded, and why: text that no UTF-8 can hold (a lone surrogate), or nesting without
 * sense. Undefined where it can. Takes time in proportion to the value, whoever made it.
 */
export function unrecordableAt(value: unknown): Unrecordable | undefined {
  const found = search(value, DEPTH_MAX);
  if (!found) return undefined;
  const path = found.names.reverse().join('.').slice(0, PATH_MAX_CHARS).toWellFormed();
  return { path, message: found.message };
}

/** The names are gathered on the way out, innermost first: on the way in, each value would need a copy of its path. */
function search(
  value: unknown,
  levelsLeft: number,
): { readonly names: string[]; readonly message: string } | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : notText();
  if (typeof value !== 'object' || value === null) return undefined;
  if (levelsLeft === 0) return { names: [], message: `nested more than ${DEPTH_MAX} deep` };
  for (const [name, it] of Object.entries(value)) {
    if (!name.isWellFormed()) return notText();
    const found = search(it, levelsLeft - 1);
    found?.names.push(name);
    if (found) return found;
  }
  return undefined;
}

function notText() {
  return { names: [], message: 'not well-formed Unicode' };
}
