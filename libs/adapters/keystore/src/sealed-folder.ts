import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Canonical, Fault } from '@countersign/kernel';
import { hasCode, replace, writeNew } from './durable-file.ts';
import { deriveKey, seal, unseal } from './seal.ts';

/** What stands beside a secret in its file: readable without the passphrase, and bound to the secret. */
export interface Label {
  readonly kind: 'wallet' | 'owner' | 'statement';
  readonly name: string;
  /** Address of a wallet, public key of an owner or statement key. */
  readonly identity: string;
  readonly state: 'active' | 'revoked';
}

export interface SealedFolderOptions {
  readonly folder: string;
  readonly passphraseFile: string;
  /** Base-two logarithm of the cost of a new folder; an old one keeps its own. */
  readonly scryptLog2?: number;
}

interface Header {
  readonly version: 1;
  readonly scryptLog2: number;
  readonly salt: string;
  /** Nothing, sealed: opens only under the right passphrase. */
  readonly check: string;
}

const HEADER = 'keystore.json';
const SCRYPT_LOG2 = 17;
/** Less is too cheap to guess; more is a file that was changed to use up this machine's memory. */
const SCRYPT_LOG2_RANGE = [14, 20] as const;
/** A name, or two with a dot between; behind an `@` the version, of a key that has versions. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,63}(?:\.[a-z0-9][a-z0-9_-]{0,63})?(?:@[1-9][0-9]{0,4})?$/;

/**
 * Secrets in files, one each, under one key that scrypt derives once from the passphrase. AES-256-GCM binds each secret
 * to its label, so a file that was changed, or put in another's place, does not open. An older copy of the same file
 * does: a folder cannot know that it was set back.
 */
export class SealedFolder {
  readonly #folder: string;
  #key: Buffer | undefined;

  constructor(folder: string, key: Buffer) {
    this.#folder = folder;
    this.#key = key;
  }

  /**
   * Reads one secret and hands it to `use`; its bytes are wiped when `use` returns.
   *
   * @returns undefined when there is no such file.
   * @throws Fault `invalid_name` or `key_damaged`, not retryable; `keys_unavailable`, retryable.
   */
  async open<T>(
    kind: Label['kind'],
    name: string,
    use: (secret: Uint8Array, label: Label) => T,
  ): Promise<T | undefined> {
    const path = this.#path(kind, name);
    const bytes = await readIfThere(path);
    if (bytes === undefined) return undefined;
    const { sealed, label } = parseKeyFile(bytes, kind, name);
    let secret: Uint8Array;
    try {
      secret = unseal(this.#opened(), sealed, { ...label });
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      throw damaged(
        `${kind} key "${name}"`,
        'was changed, or sealed under another passphrase',
        cause,
      );
    }
    try {
      return use(secret, label);
    } finally {
      secret.fill(0);
    }
  }

  /** Files a secret under its label unless the name is taken; false when it is. The caller wipes the secret. */
  async add(secret: Uint8Array, label: Label): Promise<boolean> {
    return this.#write(secret, label, writeNew);
  }

  /**
   * Files nothing in place of a secret, under its label, which then says that it is revoked. The old file is unlinked: what
   * its disk and copies of the folder still hold opens with the passphrase.
   */
  async empty(label: Label): Promise<void> {
    await this.#write(new Uint8Array(), { ...label, state: 'revoked' }, replace);
  }

  /** Forgets the key: nothing opens any more. */
  close(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }

  async #write<T>(
    secret: Uint8Array,
    label: Label,
    write: (path: string, bytes: Uint8Array) => Promise<T>,
  ): Promise<T> {
    const path = this.#path(label.kind, label.name);
    const sealed = seal(this.#opened(), secret, { ...label });
    const text = JSON.stringify({ version: 1, ...label, sealed }, null, 2);
    return orUnavailable(write(path, Buffer.from(`${text}\n`)));
  }

  #opened(): Buffer {
    if (this.#key) return this.#key;
    throw new Fault('keys_unavailable', 'the keystore is closed', { retryable: true });
  }

  #path(kind: Label['kind'], name: string): string {
    if (NAME.test(name)) return join(this.#folder, `${kind}.${name}.json`);
    throw new Fault('invalid_name', `not the name of a key: ${JSON.stringify(name.slice(0, 80))}`, {
      retryable: false,
    });
  }
}

/**
 * Opens a folder, or makes a new one. Without a passphrase file a new folder gets a random passphrase; an old folder
 * never does, as that would only hide that the right one is gone.
 *
 * @throws Fault `wrong_passphrase`, `passphrase_missing` or `keystore_damaged`, not retryable; `keys_unavailable`.
 */
export async function openSealedFolder(options: SealedFolderOptions): Promise<SealedFolder> {
  const { folder, passphraseFile, scryptLog2 = SCRYPT_LOG2 } = options;
  await orUnavailable(mkdir(folder, { recursive: true, mode: 0o700 }));
  const path = join(folder, HEADER);
  const found = await readIfThere(path);
  const passphrase = await passphraseOf(passphraseFile, found === undefined);
  if (found) return new SealedFolder(folder, await unlock(parseHeader(found), passphrase));

  const salt = randomBytes(32).toString('base64');
  const key = await orUnavailable(deriveKey(passphrase, salt, scryptLog2));
  const check = seal(key, Buffer.alloc(0), headerLabel(salt, scryptLog2));
  const header: Header = { version: 1, scryptLog2, salt, check };
  const text = `${JSON.stringify(header, null, 2)}\n`;
  if (await orUnavailable(writeNew(path, Buffer.from(text)))) return new SealedFolder(folder, key);
  key.fill(0);
  return openSealedFolder(options);
}

async function passphraseOf(file: string, mayMake: boolean): Promise<string> {
  const found = await readIfThere(file);
  if (found) {
    const text = found.toString('utf8').replace(/\r?\n$/, '');
    if (text !== '') return text;
    throw new Fault('passphrase_missing', `${file} is empty`, { retryable: false });
  }
  if (!mayMake)
    throw new Fault('passphrase_missing', `${file} is gone, and with it the way to the keys`, {
      retryable: false,
    });
  await orUnavailable(mkdir(dirname(file), { recursive: true, mode: 0o700 }));
  await orUnavailable(writeNew(file, Buffer.from(`${randomBytes(32).toString('base64url')}\n`)));
  return passphraseOf(file, false);
}

async function unlock(header: Header, passphrase: string): Promise<Buffer> {
  const { salt, scryptLog2, check } = header;
  const key = await orUnavailable(deriveKey(passphrase, salt, scryptLog2));
  try {
    unseal(key, check, headerLabel(salt, scryptLog2));
    return key;
  } catch (cause) {
    key.fill(0);
    throw new Fault('wrong_passphrase', 'the passphrase does not open this keystore', {
      retryable: false,
      cause,
    });
  }
}

function headerLabel(salt: string, scryptLog2: number): Canonical {
  return { kind: 'keystore', salt, scryptLog2 };
}

function parseHeader(bytes: Buffer): Header {
  const { version, scryptLog2, salt, check } = jsonObject(bytes) ?? {};
  const [least, most] = SCRYPT_LOG2_RANGE;
  const sound =
    version === 1 &&
    typeof salt === 'string' &&
    typeof check === 'string' &&
    typeof scryptLog2 === 'number' &&
    Number.isInteger(scryptLog2) &&
    scryptLog2 >= least &&
    scryptLog2 <= most;
  if (sound) return { version, scryptLog2, salt, check };
  throw new Fault('keystore_damaged', `${HEADER} was changed or cut`, { retryable: false });
}

function parseKeyFile(
  bytes: Buffer,
  kind: Label['kind'],
  name: string,
): { readonly sealed: string; readonly label: Label } {
  const file = jsonObject(bytes) ?? {};
  const { version, identity, state, sealed } = file;
  const sound =
    version === 1 &&
    typeof identity === 'string' &&
    typeof sealed === 'string' &&
    (state === 'active' || state === 'revoked');
  if (!sound) throw damaged(`${kind} key "${name}"`, 'was changed or cut');
  if (file['kind'] !== kind || file['name'] !== name)
    throw damaged(`${kind} key "${name}"`, `is that of the key "${String(file['name'])}"`);
  return { sealed, label: { kind, name, identity, state } };
}

function jsonObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function damaged(which: string, how: string, cause?: unknown): Fault {
  return new Fault('key_damaged', `the file of the ${which} ${how}`, {
    retryable: false,
    cause,
  });
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw unavailable(error);
  }
}

async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw unavailable(error);
  }
}

function unavailable(cause: unknown): Fault {
  return new Fault('keys_unavailable', 'the keystore cannot be read or written', {
    retryable: true,
    cause,
  });
}
