import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Fault } from '@countersign/kernel';
import { z } from 'zod';

const Entry = z.strictObject({
  paymentId: z.string(),
  wallet: z.string(),
  token: z.string(),
  value: z.string(),
  authorizationDigest: z.string(),
  atMs: z.int(),
  /** Digest of the authorization it renews. */
  renews: z.string().optional(),
  /** It was seen in the log; absent where this signer signed it. */
  seen: z.literal(true).optional(),
});
export type JournalEntry = z.infer<typeof Entry>;

/** Of a journal that could not be written when something was learned. */
const LACKING = '';

/** The lines of a journal, of which only whole ones are ever followed by others; without a path, none are written. */
export class JournalFile {
  readonly #file: number | undefined;
  /** Where the last whole line ends. */
  #length = 0;
  /** Something else may stand behind that. */
  #isTorn = false;
  #first = '';
  #count = 0;
  #isLacking = false;

  /** Gives every entry that stands in it to `take`. */
  constructor(path: string | undefined, take: (entry: JournalEntry) => void) {
    if (path === undefined) return;
    readEntries(path, (entry) => {
      this.#counted(entry);
      take(entry);
    });
    this.#file = openSync(path, 'a', 0o600);
    this.#length = fstatSync(this.#file).size;
  }

  /** How much it holds: which it is by its first entry, and how many there are. */
  get mark(): string {
    return this.#isLacking ? LACKING : `${this.#first}/${this.#count}`;
  }

  holds(mark = LACKING): boolean {
    const [first = '', count] = mark.split('/');
    const isThis = first === '' || first === this.#first;
    return mark !== LACKING && isThis && Number(count) <= this.#count;
  }

  /** Something that it should hold could not be written: from the next start on it is made good. */
  lacks(): void {
    this.#isLacking = true;
  }

  append(entry: JournalEntry): void {
    if (this.#file !== undefined) this.#write(this.#file, `${JSON.stringify(entry)}\n`);
    this.#counted(entry);
  }

  sync(): void {
    try {
      if (this.#file !== undefined) fsyncSync(this.#file);
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #write(file: number, text: string): void {
    const line = Buffer.from(text);
    try {
      if (this.#isTorn) ftruncateSync(file, this.#length);
      this.#isTorn = true;
      // A disk that is nearly full takes a part, and calls that a success.
      if (writeSync(file, line) !== line.length) throw new Error('the disk is full');
    } catch (cause) {
      throw unavailable(cause);
    }
    this.#length += line.length;
    this.#isTorn = false;
  }

  #counted({ authorizationDigest }: JournalEntry): void {
    if (this.#count === 0) this.#first = authorizationDigest;
    this.#count += 1;
  }
}

/** A torn last line is a signature that was never made: it is cut off, or the next one would be glued to it. */
function readEntries(path: string, take: (entry: JournalEntry) => void): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const file = openSync(path, 'a+', 0o600);
  try {
    const length = readLines(file, (line) => take(Entry.parse(JSON.parse(line))));
    if (length < fstatSync(file).size) ftruncateSync(file, length);
    fsyncSync(file);
    syncFolder(dirname(path));
  } finally {
    closeSync(file);
  }
}

/** Of the file's text in memory at a time: as one string, the journal of some years is longer than a string can be. */
const READ_BYTES = 1_048_576;
const NEWLINE = 0x0a;

/** Takes the whole lines of a file in their order; returns where the last one ends, in bytes. */
function readLines(file: number, take: (line: string) => void): number {
  const chunk = Buffer.alloc(READ_BYTES);
  let begun = Buffer.alloc(0);
  for (let at = 0; ;) {
    const count = readSync(file, chunk, 0, READ_BYTES, at);
    if (count === 0) return at - begun.length;
    at += count;
    const bytes = Buffer.concat([begun, chunk.subarray(0, count)]);
    const end = bytes.lastIndexOf(NEWLINE);
    if (end >= 0) bytes.toString('utf8', 0, end).split('\n').forEach(take);
    begun = bytes.subarray(end + 1);
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}

function unavailable(cause: unknown): Fault {
  return new Fault('journal_unavailable', 'the signing journal cannot be written', {
    retryable: true,
    cause,
  });
}
