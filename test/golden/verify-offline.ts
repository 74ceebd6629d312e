import { run } from '../../apps/cli/src/cli.ts';

/** What `countersign verify` makes of a file, with nobody to ask: there is nothing at this address, and no credential. */
export async function verifyOffline(file: string, keys: string) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(['verify', file, '--keys', keys], {
    config: { url: 'http://127.0.0.1:1', credentialFile: '/dev/null/none', plain: true },
    terminal: {
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      paint: (_, text) => text,
    },
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}
