import { EventArchive } from '@countersign/audit/service';
import { Fault } from '@countersign/kernel';
import { silentLog } from '@countersign/service-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous, collaborative } from './policies.ts';
import { World, statementKey } from './world.ts';

const FOREIGN = new Fault('event_store_foreign', 'of another log', { retryable: false });
let world: World;
let archive: EventArchive;
/** How often the store was asked to open; it is not tried again. */
let opened: number;

const archiveOf = (isAlone: boolean) =>
  new EventArchive({
    ...{ host: world.services.host, key: statementKey('recorder'), trusted: new Map() },
    ...{ clock: world.time.clock, timers: world.time.timers, log: silentLog, everyMs: 5_000 },
    openStore: () => {
      opened += 1;
      return Promise.reject(FOREIGN);
    },
    isAlone,
  });
beforeEach(async () => {
  world = await World.create();
  opened = 0;
  archive = archiveOf(false);
});
afterEach(async () => {
  await archive.close();
  await world.stop();
});

describe('the event store', () => {
  it('is not opened while a payment is under way, and once when all is calm', async () => {
    await world.usePolicy(autonomous());
    archive.work();
    const [first, second] = [
      await world.propose(),
      await world.propose({ url: 'https://api.example.com/v1/other' }),
    ];
    expect([first.body.status, second.body.status]).toEqual(['signed', 'signed']);
    await world.pass(15_000);
    await world.present(first.body);
    await world.pass(10_000);
    expect((await world.read(first.body.id)).status).toBe('settled');
    expect(opened).toBe(0);
    await world.present(second.body);
    await world.pass(10_000);
    expect((await world.read(second.body.id)).status).toBe('settled');
    expect(opened).toBe(1);
    await world.pass(100_000);
    expect(opened).toBe(1);
  });

  it('is opened ten seconds after the start, though people are being asked', async () => {
    await world.usePolicy(collaborative());
    archive.work();
    expect((await world.propose()).body.status).toBe('awaiting_approval');
    await world.pass(9_000);
    expect(opened).toBe(0);
    await world.pass(1_000);
    expect(opened).toBe(1);
  });

  it('is opened without waiting for calm by a process that does nothing else', async () => {
    await world.usePolicy(autonomous());
    archive = archiveOf(true);
    archive.work();
    expect((await world.propose()).body.status).toBe('signed');
    await world.pass(10_000);
    expect(opened).toBe(1);
  });

  it('is opened at last where there is always a payment under way', async () => {
    await world.usePolicy(autonomous());
    archive.work();
    for (let round = 0; round < 7; round += 1) {
      expect(opened).toBe(0);
      const { body } = await world.propose({ url: `https://api.example.com/v1/${round}` });
      expect(body.status).toBe('signed');
      await world.pass(10_000);
    }
    expect(opened).toBe(1);
  });

  it('is opened at once for whoever asks for it', async () => {
    await world.usePolicy(autonomous());
    archive.work();
    expect((await world.propose()).body.status).toBe('signed');
    await expect(archive.store()).rejects.toBe(FOREIGN);
    expect(opened).toBe(1);
  });
});
