import { Fault } from '@countersign/kernel';
import { z } from 'zod';
import type { Vault } from './vault.ts';

const Written = z.object({ data: z.object({ version: z.number() }) });

/** A record in Vault's versioned store, with the version it was read at. */
export interface Kept<T> {
  readonly record: T;
  readonly version: number;
}

/** Records of one shape in Vault's versioned key-value store. Nothing is written over what was not read. */
export class Records<T extends object> {
  readonly #vault: Vault;
  readonly #shape: z.ZodType<{ data: { data: T; metadata: { version: number } } }>;

  constructor(vault: Vault, shape: z.ZodType<T>) {
    this.#vault = vault;
    const metadata = z.object({ version: z.number() });
    this.#shape = z.object({ data: z.object({ data: shape, metadata }) });
  }

  /** @throws Fault `key_damaged` when the record was deleted or is of another shape: it was there once. */
  async read(path: string): Promise<Kept<T> | undefined> {
    const { status, body } = await this.#vault.request('GET', path);
    const text = Buffer.from(body).toString('utf8');
    // A record that never was answers 404 with no data; a deleted one answers 404 with its metadata.
    if (status === 404 && !text.includes('"deletion_time"')) return undefined;
    const read = this.#shape.safeParse(status === 200 ? JSON.parse(text) : undefined);
    if (!read.success)
      throw new Fault('key_damaged', `what stands at ${path} in Vault is not a key record`, {
        retryable: false,
      });
    const { data, metadata } = read.data.data;
    return { record: data, version: metadata.version };
  }

  /** Destroys what stood at a record's place before `version`, as far as Vault still has it. May be repeated. */
  async destroyBefore(destroyPath: string, version: number): Promise<void> {
    const versions = Array.from({ length: version - 1 }, (_, index) => index + 1);
    await this.#vault.json(z.unknown(), 'POST', destroyPath, { versions });
  }

  /**
   * Writes where the record is still at `version`; 0 where there must be none.
   *
   * @returns false when somebody else was first.
   */
  async write(path: string, record: T, version: number): Promise<boolean> {
    try {
      const body = { data: record, options: { cas: version } };
      await this.#vault.json(Written, 'POST', path, body);
      return true;
    } catch (error) {
      if (error instanceof Fault && error.message.includes('check-and-set')) return false;
      throw error;
    }
  }
}
