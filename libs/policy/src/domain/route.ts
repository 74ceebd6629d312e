const PERCENT = /%([0-7][0-9a-f])/gi;
/** Enough for every server we know of; a path encoded more often is left as it stands. */
const DECODINGS_MAX = 8;

/**
 * The path as the most lenient server could read it: percent-encoding undone, lower case, backslashes as slashes,
 * path parameters dropped, empty and dot segments resolved. The agent chooses how a URL is spelled, so a rule that only
 * looked at the spelling could be evaded by `/%61dmin` or `/public/..%2fadmin`.
 */
export function foldRoute(path: string): string {
  let text = path;
  for (let round = 0; round < DECODINGS_MAX && text.includes('%'); round += 1) {
    const decoded = text.replace(PERCENT, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (decoded === text) break;
    text = decoded;
  }
  const segments: string[] = [];
  for (const segment of text.toLowerCase().replaceAll('\\', '/').split('/')) {
    const name = segment.split(';', 1)[0] ?? '';
    if (name === '..') segments.pop();
    else if (name !== '' && name !== '.') segments.push(name);
  }
  return `/${segments.join('/')}`;
}

/** A set of path prefixes. A prefix covers whole segments: `/v1/chat` covers `/v1/chat/x`, not `/v1/chatter`. */
export function prefixSet(prefixes: readonly string[]): (path: string) => boolean {
  const bare = new Set(prefixes.map((prefix) => prefix.replace(/\/+$/, '')));
  const lengthMax = Math.max(...[...bare].map((prefix) => prefix.length));
  return (path) => {
    if (bare.has('') || bare.has(path)) return true;
    let end = path.indexOf('/', 1);
    while (end !== -1 && end <= lengthMax) {
      if (bare.has(path.slice(0, end))) return true;
      end = path.indexOf('/', end + 1);
    }
    return false;
  };
}
