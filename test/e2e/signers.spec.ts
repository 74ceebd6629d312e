import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSigningJournal } from '@countersign/signing/service';
import { expect, it, onTestFinished } from 'vitest';
import { autonomous } from './policies.ts';
import { World } from './world.ts';

it('a signer with a journal of its own counts what another one signed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-signers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const world = await World.create(join(folder, 'log.db'));
  onTestFinished(() => world.stop());
  await world.usePolicy(autonomous({ perDay: '100.00' }));
  const { body } = await world.propose();
  await world.pass(2_000);
  expect((await world.read(body.id)).status).toBe('signed');
  const signed = [...world.journal.known()];
  expect(signed.map(({ paymentId }) => paymentId)).toEqual([body.id]);

  await world.stop();
  world.journal = openSigningJournal(undefined);
  await world.start();
  expect([...world.journal.known()]).toEqual(signed);
});
