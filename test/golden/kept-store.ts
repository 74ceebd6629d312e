import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { TrustedKeys } from '@countersign/service-kit';
import { z } from 'zod';

/** The commit whose program wrote the store; `stores/README.md` says by which commands. */
export const COMMIT = '71a4094';
/** How many lanes that program made. */
export const LANES = 8;
/** The stamp of the last record it wrote. */
export const LAST_MS = 1_795_359_656_477;

const Beside = z.object({ files: z.record(z.string(), z.string()) });
const KeyFile = z.object({ kind: z.string(), name: z.string(), identity: z.string() });

const bytesOf = (suffix: string) =>
  readFileSync(new URL(`stores/${COMMIT}.${suffix}`, import.meta.url));
const { files } = Beside.parse(JSON.parse(bytesOf('json').toString()));

/** A new folder with all that the program left in its own: the store, the keystore, the signer's journal, credentials. */
export function copyOfKeptFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-kept-'));
  writeFileSync(join(folder, 'countersign.db'), brotliDecompressSync(bytesOf('db.br')));
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, text, { mode: 0o600 });
  }
  return folder;
}

/** The keys by which the program's services signed: its keystore has the public ones in clear. */
export function keysOfKeptStore(): TrustedKeys {
  const statements = Object.entries(files)
    .filter(([name]) => name.startsWith('keys/statement.'))
    .map(([, text]) => KeyFile.parse(JSON.parse(text)));
  return new Map(
    statements.map(({ name: service, identity: publicKey }) => [
      `${service}-${publicKey.slice(0, 12)}`,
      { service, publicKey },
    ]),
  );
}
