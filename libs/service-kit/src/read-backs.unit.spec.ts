import { Fault } from '@countersign/kernel';
import { expect, it } from 'vitest';
import { ReadBacks } from './read-backs.ts';

const APPLIED = { applied: true, code: null, paymentId: null } as const;
const record = (offset: number) => ({
  ...{ lane: '0', offset, key: 'default/a', stampMs: 0, bytes: new Uint8Array() },
});

it('brings a judgement to its writer, whichever comes first', async () => {
  const readBacks = new ReadBacks();
  const early = readBacks.at({ lane: '0', offset: 0 });
  readBacks.done(record(0), APPLIED);
  readBacks.done(record(1), APPLIED);
  expect(await early).toEqual(APPLIED);
  expect(await readBacks.at({ lane: '0', offset: 1 })).toEqual(APPLIED);
});

it('leaves nobody waiting for a judgement that is not kept any more', async () => {
  const readBacks = new ReadBacks();
  for (let offset = 0; offset <= 50_000; offset += 1) readBacks.done(record(offset), APPLIED);
  await expect(readBacks.at({ lane: '0', offset: 0 })).rejects.toThrow(Fault);
  expect(await readBacks.at({ lane: '0', offset: 1 })).toEqual(APPLIED);
});
