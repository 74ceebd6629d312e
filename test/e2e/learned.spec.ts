import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStateStore, openStore } from '@countersign/adapter-sqlite';
import { LaneHost } from '@countersign/service-kit';
import { walletKeyName } from '@countersign/signing';
import { openSigningJournal } from '@countersign/signing/service';
import { PaidLog, USDC, VirtualTime } from '@countersign/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { learnWhatIsFixed } from '../../libs/signing/src/service/learned.ts';

const NOW_MS = 1_790_000_000_000;
const YEAR_MS = 365 * 86_400_000;
const LANES = 4;
const WALLET = walletKeyName('default', 'w1');
const EACH = 20_000n;

/** A log of payments by one wallet, and a signer that reads it and keeps what it made of it. */
async function signing() {
  const time = new VirtualTime(NOW_MS);
  const { log } = openStore({ path: ':memory:', laneCount: LANES, clock: time.clock });
  const paid = new PaidLog(LANES, 8);
  const folder = mkdtempSync(join(tmpdir(), 'countersign-learned-'));
  const path = join(folder, 'signer.journal');
  const state = openStateStore(':memory:');
  onTestFinished(async () => {
    await log.close();
    state.close();
    rmSync(folder, { recursive: true });
  });
  await log.append(await paid.founding());
  const start = async () => {
    const journal = openSigningJournal(path);
    const host = new LaneHost(log, paid.trusted, () => undefined, { state, saveEach: 5 });
    learnWhatIsFixed(host, journal);
    await host.start();
    return {
      counted: async () => {
        await host.caughtUpWithAll();
        return journal.countedInDay(WALLET, USDC, NOW_MS + 1);
      },
      stop: async () => {
        await host.close();
        journal.close();
      },
    };
  };
  return { time, log, paid, path, start };
}

it('a stamp of a broker whose clock is years ahead makes nothing else of the day look old', async () => {
  const { time, log, paid, start } = await signing();
  const { counted, stop } = await start();
  for (let index = 0; index < 3; index += 1) await log.append(await paid.payment(index, NOW_MS));
  const [intent, decision, fixed, ...rest] = await paid.payment(3, NOW_MS);
  if (!intent || !decision || !fixed) throw new Error('a payment has more records');
  await log.append([intent, decision]);
  time.moveTo(NOW_MS + 10 * YEAR_MS);
  await log.append([fixed]);
  await log.append(rest);
  await log.append(await paid.payment(4, NOW_MS));
  expect(await counted()).toBe(5n * EACH);
  await stop();
});

it('a journal that is put back as it once was learns again what the kept fold is past', async () => {
  const { log, paid, path, start } = await signing();
  await log.append(await paid.payment(0, NOW_MS));
  const first = await start();
  const before = readFileSync(path);
  for (let index = 1; index < 8; index += 1) await log.append(await paid.payment(index, NOW_MS));
  expect(await first.counted()).toBe(8n * EACH);
  await first.stop();

  for (const left of [before, '']) {
    writeFileSync(path, left);
    const again = await start();
    expect(await again.counted()).toBe(8n * EACH);
    await again.stop();
  }
});
