import { ByteWriter } from './byte-writer.ts';

/**
 * ClickHouse's format Native: column after column, as the engine keeps them in memory. It has next to nothing to parse, and
 * a name that stands in a thousand rows is written once, which makes a block several times cheaper than the same as text.
 */
export interface Column<Row> {
  readonly name: string;
  readonly type: string;
  /** For so many rows. */
  gather(count: number): Gathered<Row>;
}

/** The values of one column as they come. */
interface Gathered<Row> {
  take(rows: readonly Row[]): void;
  written(): readonly Uint8Array[];
}

/** A value that is written where it is taken. */
function column<Row, Value>(
  name: string,
  type: string,
  of: (row: Row) => Value,
  write: (writer: ByteWriter, value: Value) => void,
): Column<Row> {
  return {
    name,
    type,
    gather: (count) => {
      const writer = new ByteWriter(count * WORD);
      return {
        take: (rows) => {
          for (const row of rows) write(writer, of(row));
        },
        written: () => writer.written(),
      };
    },
  };
}

export const string = <Row>(name: string, of: (row: Row) => string): Column<Row> =>
  column(name, 'String', of, (writer, value) => writer.string(value));

export const bytes = <Row>(name: string, of: (row: Row) => Uint8Array): Column<Row> =>
  column(name, 'String', of, (writer, value) => writer.bytes(value));

/** Of whole numbers up to 2^53. */
export const uint64 = <Row>(name: string, of: (row: Row) => number): Column<Row> =>
  column(name, 'UInt64', of, (writer, value) => writer.uint64(value));

/** Of milliseconds since 1970. */
export const dateTime64 = <Row>(name: string, of: (row: Row) => number): Column<Row> =>
  column(name, "DateTime64(3, 'UTC')", of, (writer, value) => writer.uint64(value));

export const uint32 = <Row>(name: string, of: (row: Row) => number): Column<Row> =>
  column(name, 'UInt32', of, (writer, value) => writer.uint32(value));

export const bigUint64 = <Row>(name: string, of: (row: Row) => bigint): Column<Row> =>
  column(name, 'UInt64', of, (writer, value) => writer.bigUint(value, 1));

export const bigUint256 = <Row>(name: string, of: (row: Row) => bigint): Column<Row> =>
  column(name, 'UInt256', of, (writer, value) => writer.bigUint(value, 4));

export const stringList = <Row>(
  name: string,
  of: (row: Row) => readonly string[],
): Column<Row> => ({
  name,
  type: 'Array(String)',
  gather: (count) => {
    const writer = new ByteWriter();
    return gatheredLists(count, of, {
      add: (value) => writer.string(value),
      written: () => writer.written(),
    });
  },
});

/** A column of few different texts, written as a dictionary and each row's place in it. */
export const lowCardinality = <Row>(name: string, of: (row: Row) => string): Column<Row> => ({
  name,
  type: 'LowCardinality(String)',
  gather: (count) => {
    const dictionary = new Dictionary(count);
    return {
      take: (rows) => {
        for (const row of rows) dictionary.add(of(row));
      },
      written: () => [DICTIONARY_VERSION, ...dictionary.written()],
    };
  },
});

export const lowCardinalityList = <Row>(
  name: string,
  of: (row: Row) => readonly string[],
): Column<Row> => ({
  name,
  type: 'Array(LowCardinality(String))',
  gather: (count) => {
    const lists = gatheredLists(count, of, new Dictionary(count));
    return { ...lists, written: () => [DICTIONARY_VERSION, ...lists.written()] };
  },
});

interface Values {
  add(value: string): void;
  written(): readonly Uint8Array[];
}

/** Where each list ends in all of them together, then their values. */
function gatheredLists<Row>(
  count: number,
  of: (row: Row) => readonly string[],
  values: Values,
): Gathered<Row> {
  const ends = new ByteWriter(count * WORD);
  let end = 0;
  return {
    take: (rows) => {
      for (const row of rows) {
        const list = of(row);
        for (const value of list) values.add(value);
        ends.uint64((end += list.length));
      }
    },
    written: () => [...ends.written(), ...values.written()],
  };
}

/** Texts by number, in the order of their first use, and what was added by these numbers. */
class Dictionary implements Values {
  readonly #numbers = new Map<string, number>();
  #places: Uint32Array;
  #count = 0;
  #last = '';
  #lastNumber = -1;

  constructor(count: number) {
    this.#places = new Uint32Array(count);
  }

  add(value: string): void {
    // Neighbors mostly say the same, and are compared for less than they are looked up.
    if (this.#lastNumber < 0 || value !== this.#last) {
      this.#last = value;
      this.#lastNumber = this.#numberOf(value);
    }
    if (this.#count === this.#places.length) {
      const more = new Uint32Array(this.#count * 2 + 1);
      more.set(this.#places);
      this.#places = more;
    }
    this.#places[this.#count] = this.#lastNumber;
    this.#count += 1;
  }

  written(): readonly Uint8Array[] {
    if (this.#count === 0) return [];
    const size = PLACE_BYTES.findIndex((it) => this.#numbers.size <= 2 ** (it * 8));
    const writer = new ByteWriter();
    writer.uint64(WITH_TEXTS + size);
    writer.uint64(this.#numbers.size);
    for (const text of this.#numbers.keys()) writer.string(text);
    writer.uint64(this.#count);
    const places = this.#places.subarray(0, this.#count);
    // As bytes they are copied at once.
    if (size === 0) return [...writer.written(), new Uint8Array(places)];
    const bytes = PLACE_BYTES[size] ?? 4;
    for (const place of places) writer.uint(place, bytes);
    return writer.written();
  }

  #numberOf(value: string): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    this.#numbers.set(value, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}

const WORD = 8;
/** So few that the processor still has them at hand for the next column. */
const ROWS_AT_ONCE = 64;
/** Sizes of a place in a dictionary, by the number that stands for each. */
const PLACE_BYTES = [1, 2, 4] as const;
/** The dictionary's texts come with it. */
const WITH_TEXTS = 0x200;
/** Of the way a dictionary is written. */
const DICTIONARY_VERSION = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

/** The block in pieces, to be sent one after the other. */
export function blockOf<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): readonly Uint8Array[] {
  const gathered = columns.map((it) => ({ ...it, values: it.gather(rows.length) }));
  // Some rows at a time: ten thousand of them would be read from memory anew for each column.
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    const some = rows.slice(from, from + ROWS_AT_ONCE);
    for (const { values } of gathered) values.take(some);
  }
  const sizes = new ByteWriter();
  sizes.length(columns.length);
  sizes.length(rows.length);
  const pieces = gathered.flatMap(({ name, type, values }) => {
    const head = new ByteWriter();
    head.string(name);
    head.string(type);
    return [...head.written(), ...values.written()];
  });
  return [...sizes.written(), ...pieces];
}
