import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@countersign/adapter-sqlite';
import { sha256Hex } from '@countersign/kernel';
import { Registry, ensureOwner, policyDuty } from '@countersign/policy/service';
import { LaneHost, silentLog } from '@countersign/service-kit';
import { VirtualTime, statementKeyOf } from '@countersign/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';

/** Replicas of policy over one new log, all of them at its beginning. */
async function replicas(count: number) {
  const { clock, timers } = new VirtualTime(1_790_000_000_000);
  const store = openStore({ path: ':memory:', laneCount: 2, clock });
  onTestFinished(() => store.close());
  const key = statementKeyOf('policy');
  const trusted = new Map([[key.keyId, { service: 'policy', publicKey: key.publicKey }]]);
  return Promise.all(
    Array.from({ length: count }, async () => {
      const host = new LaneHost(store.log, trusted, () => undefined);
      onTestFinished(() => host.close());
      await host.start();
      const parts = { host, key, clock, timers, log: silentLog, budgets: store.budgets };
      const { marking } = policyDuty(parts);
      marking.start();
      onTestFinished(() => marking.stop());
      return { host, registry: new Registry(host, key) };
    }),
  );
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-owner-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe('replicas that begin a log side by side', () => {
  it('keep the credential that counts, and no other', async () => {
    const folder = newFolder();
    const files = [join(folder, 'one'), join(folder, 'two')];
    const both = await replicas(2);
    await Promise.all(both.map((it, index) => ensureOwner(it, 'default', files[index] ?? '')));
    const kept = files.filter((file) => existsSync(file));
    expect(kept).toHaveLength(1);
    const credential = readFileSync(kept[0] ?? '', 'utf8').trim();
    expect(both[0]?.host.control.credentials.has(sha256Hex(credential))).toBe(true);
  });

  it('keep a file that they share', async () => {
    const file = join(newFolder(), 'owner');
    const both = await replicas(2);
    await Promise.all(both.map((it) => ensureOwner(it, 'default', file)));
    const credential = readFileSync(file, 'utf8').trim();
    expect(both[0]?.host.control.credentials.has(sha256Hex(credential))).toBe(true);
  });
});
