import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, engineInProcess } from './engine.ts';
import {
  bigUint64,
  bigUint256,
  blockOf,
  bytes,
  dateTime64,
  lowCardinality,
  lowCardinalityList,
  string,
  stringList,
  uint32,
  uint64,
} from './native.ts';

interface Sample {
  readonly text: string;
  readonly list: readonly string[];
  readonly bytes: Uint8Array;
  readonly whole: number;
  readonly big: bigint;
}

const COLUMNS = [
  string<Sample>('text', (it) => it.text),
  lowCardinality<Sample>('name', (it) => it.text),
  stringList<Sample>('list', (it) => it.list),
  lowCardinalityList<Sample>('names', (it) => it.list),
  bytes<Sample>('bytes', (it) => it.bytes),
  uint64<Sample>('whole', (it) => it.whole),
  uint32<Sample>('short', (it) => it.whole % 2 ** 32),
  dateTime64<Sample>('at', (it) => it.whole % 2 ** 40),
  bigUint64<Sample>('big', (it) => it.big % 2n ** 64n),
  bigUint256<Sample>('bigger', (it) => it.big),
];

/** The engine reads a block by its path, in which it gives some characters a meaning. */
const folder = mkdtempSync(join(tmpdir(), "countersign native {1,2} * ? [a] it's ü "));
let engine: Engine;

beforeAll(async () => {
  // The engine looks for relative paths elsewhere than we do.
  engine = await engineInProcess(relative(process.cwd(), folder));
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

async function storedAndRead(samples: readonly Sample[]): Promise<readonly unknown[]> {
  const typed = COLUMNS.map(({ name, type }) => `${name} ${type}`);
  await engine.writer.command({
    query: `CREATE OR REPLACE TABLE samples (${typed.join(', ')}) ENGINE = MergeTree ORDER BY ()
      SETTINGS non_replicated_deduplication_window = 10`,
  });
  await engine.insert({
    table: 'samples',
    columns: COLUMNS,
    block: blockOf(COLUMNS, samples),
    settings: { insert_deduplication_token: 'samples' },
  });
  const answer = await engine.reader.query({
    query: `SELECT text, name, list, names, hex(bytes) AS bytes, toString(whole) AS whole, short,
      toString(toUnixTimestamp64Milli(at)) AS at, toString(big) AS big, toString(bigger) AS bigger FROM samples`,
    format: 'JSONEachRow',
  });
  return answer.json();
}

function asRead({ text, list, bytes: some, whole, big }: Sample) {
  return {
    ...{
      text,
      name: text,
      list,
      names: list,
      bytes: Buffer.from(some).toString('hex').toUpperCase(),
    },
    ...{ whole: String(whole), short: whole % 2 ** 32, at: String(whole % 2 ** 40) },
    ...{ big: String(big % 2n ** 64n), bigger: String(big) },
  };
}

const plain: Sample = { text: '', list: [], bytes: new Uint8Array(0), whole: 0, big: 0n };

describe('a block in the format Native', () => {
  it('says what it was given, whatever its length, script and size', async () => {
    const samples: Sample[] = [
      plain,
      { ...plain, text: 'a', list: ['', 'b', 'a'], bytes: Uint8Array.of(0, 255, 10) },
      // As many bytes as take one for their length, and one more; the same in a script of two bytes each.
      ...[127, 128, 16_383, 16_384].map((count) => ({ ...plain, text: 'x'.repeat(count) })),
      ...[63, 64, 8_192].map((count) => ({ ...plain, text: 'ü'.repeat(count) })),
      { ...plain, text: 'a — 😀\0\n\\\'"\t', list: ['ü'.repeat(100)] },
      { ...plain, whole: Number.MAX_SAFE_INTEGER, big: 2n ** 256n - 1n },
      { ...plain, whole: 2 ** 32, big: 2n ** 64n },
    ];
    expect(await storedAndRead(samples)).toEqual(samples.map(asRead));
  });

  it.each([255, 256, 257, 65_536, 65_537])('numbers %d different texts', async (count) => {
    const samples = Array.from({ length: count }, (_, index) => ({
      ...plain,
      text: `text ${index}`,
      list: [`first ${index}`, 'last'],
    }));
    expect(await storedAndRead([...samples, plain])).toEqual([...samples, plain].map(asRead));
  });

  it('leaves nothing behind on its way in', () => {
    const blocks = join(folder, 'blocks');
    const sizes = readdirSync(blocks).map((file) => statSync(join(blocks, file)).size);
    expect(sizes).toEqual([0]);
  });
});
