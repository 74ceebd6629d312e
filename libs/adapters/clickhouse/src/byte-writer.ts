const FIRST_BYTES = 64;
/** A length of up to 2^35. */
const LENGTH_BYTES_MAX = 5;
const UTF8_BYTES_MAX = 3;
/** What a byte of a length counts up to. */
const SEVEN_BITS = 128;
const WORD = 8;
const WORD_MAX = 2n ** 64n - 1n;
const HALF_WORD = 2 ** 32;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** Values as ClickHouse has them: numbers little-endian, lengths in LEB128. */
export class ByteWriter {
  /** Those that are full. */
  readonly #pieces: Uint8Array[] = [];
  #buffer: Buffer;
  #view: DataView;
  #end = 0;

  /** @param bytes there is room for at first. */
  constructor(bytes = FIRST_BYTES) {
    this.#buffer = Buffer.allocUnsafe(Math.max(bytes, FIRST_BYTES));
    this.#view = viewOf(this.#buffer);
  }

  /** In pieces: what grows is never copied. */
  written(): readonly Uint8Array[] {
    return [...this.#pieces, this.#buffer.subarray(0, this.#end)];
  }

  length(value: number): void {
    this.#need(LENGTH_BYTES_MAX);
    let rest = value;
    for (; rest >= SEVEN_BITS; rest = Math.floor(rest / SEVEN_BITS)) {
      this.#view.setUint8(this.#end, (rest % SEVEN_BITS) + SEVEN_BITS);
      this.#end += 1;
    }
    this.#view.setUint8(this.#end, rest);
    this.#end += 1;
  }

  string(value: string): void {
    if (value === '') return this.length(0);
    // Now, so that its length is in the same piece.
    this.#need(LENGTH_BYTES_MAX + value.length * UTF8_BYTES_MAX);
    const start = this.#end;
    // As long in bytes as in characters, as long as it is ASCII.
    this.length(value.length);
    const size = this.#buffer.write(value, this.#end);
    if (size === value.length) {
      this.#end += size;
      return;
    }
    this.#end = start;
    this.length(size);
    this.#end += this.#buffer.write(value, this.#end);
  }

  bytes(value: Uint8Array): void {
    this.length(value.length);
    this.#need(value.length);
    this.#buffer.set(value, this.#end);
    this.#end += value.length;
  }

  /** A whole number up to 2^53. */
  uint64(value: number): void {
    this.#need(WORD);
    this.#view.setUint32(this.#end, value >>> 0, true);
    this.#view.setUint32(this.#end + 4, Math.floor(value / HALF_WORD), true);
    this.#end += WORD;
  }

  uint32(value: number): void {
    this.uint(value, 4);
  }

  uint(value: number, bytes: 1 | 2 | 4): void {
    this.#need(bytes);
    if (bytes === 1) this.#view.setUint8(this.#end, value);
    else if (bytes === 2) this.#view.setUint16(this.#end, value, true);
    else this.#view.setUint32(this.#end, value, true);
    this.#end += bytes;
  }

  /** So many words, the lowest first. */
  bigUint(value: bigint, words: number): void {
    this.#need(words * WORD);
    if (value <= SAFE_MAX) {
      this.uint64(Number(value));
      for (let word = 1; word < words; word += 1) this.uint64(0);
      return;
    }
    for (let [word, rest] = [0, value]; word < words; word += 1, rest >>= 64n) {
      this.#view.setBigUint64(this.#end, rest & WORD_MAX, true);
      this.#end += WORD;
    }
  }

  #need(size: number): void {
    if (this.#end + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, size));
    this.#pieces.push(this.#buffer.subarray(0, this.#end));
    this.#buffer = larger;
    this.#view = viewOf(larger);
    this.#end = 0;
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
