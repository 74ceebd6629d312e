import 'reflect-metadata';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { smartAccounts } from '@countersign/adapter-evm/account';
import { typedData } from '@countersign/adapter-evm/typed-data';
import { openKeystore } from '@countersign/adapter-keystore';
import { openStateStore, openStore } from '@countersign/adapter-sqlite';
import { silentLog, systemClock, systemTimers } from '@countersign/service-kit';
import { openSigningJournal } from '@countersign/signing/service';
import { NETWORK, PAYEE, USDC } from '@countersign/testkit';
import { MemoryChain } from '@countersign/testkit/memory-chain';
import { Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { startServices } from '../../apps/standalone/src/services.ts';
import { autonomous } from '../e2e/policies.ts';

/** What the bench asks for: everything a standalone process does, on the disk, on a chain that nothing is paid on. */
async function governed(folder: string): Promise<{ url: string; credential: string }> {
  const store = openStore({ path: join(folder, 'log.db'), laneCount: 8, clock: systemClock });
  const keystore = await openKeystore({
    folder: join(folder, 'keys'),
    passphraseFile: join(folder, 'passphrase'),
  });
  const chain = new MemoryChain({
    ...{ network: NETWORK, tokens: [USDC], genesisTimeMs: Date.now() },
    verify: () => true,
    verifyCancellation: () => true,
  });
  const services = await startServices({
    eventLog: store.log,
    state: openStateStore(join(folder, 'fold.db')),
    budgets: store.budgets,
    wallets: keystore.wallets,
    owners: keystore.owners,
    accounts: smartAccounts,
    typedData,
    journal: openSigningJournal(join(folder, 'journal')),
    keys: {
      intake: await keystore.statementKey('intake'),
      policy: await keystore.statementKey('policy'),
      approval: await keystore.statementKey('approval'),
      signer: await keystore.statementKey('signer'),
      settlement: await keystore.statementKey('settlement'),
      alerting: await keystore.statementKey('alerting'),
      recorder: await keystore.statementKey('recorder'),
    },
    chains: new Map([[NETWORK, chain]]),
    tokens: new Map([[NETWORK, [USDC]]]),
    notifier: { notify: () => Promise.resolve() },
    ceilingOf: () => ({ perPayment: 10n ** 12n, perDay: 10n ** 13n }),
    revokedKeyKeptMs: 0,
    pollMs: 60_000,
    clock: systemClock,
    timers: systemTimers,
    log: silentLog,
    onFatal: (error) => {
      throw error;
    },
  });
  await services.app.listen(0, '127.0.0.1');
  await services.work('http://127.0.0.1/approve');
  const by = { tenant: 'default', person: 'owner' };
  const { registry } = services;
  await registry.addPerson(by, 'owner', ['approver', 'operator', 'policy_author', 'auditor']);
  await registry.requestWallet(by, 'w1');
  const { credential } = await registry.addAgent(by, 'research-1', 'w1');
  await registry.registerSeller(by, {
    ...{ seller: 'embeddings', domain: 'api.example.com', trust: 'known', category: 'embedding' },
    ...{ jurisdiction: 'DE', takes: 'any', routes: [] },
    payTo: [{ network: NETWORK, address: PAYEE }],
  });
  const { version } = await registry.putPolicy(by, autonomous({ perDay: '0.01' }));
  await registry.activatePolicy(by, version);
  return { url: `${await services.app.getUrl()}/v1/payments`, credential };
}

@Controller()
class EmptyController {
  @Post('empty')
  empty(): object {
    return {};
  }
}

@Module({ controllers: [EmptyController] })
class EmptyModule {}

async function empty(): Promise<{ url: string; credential: string }> {
  const app = await NestFactory.create(EmptyModule, new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  return { url: `${await app.getUrl()}/empty`, credential: 'none' };
}

const [kind, folder = ''] = process.argv.slice(2);
process.once('SIGTERM', () => process.exit(0));
// Each line that is read asks for the processor time used so far, in microseconds.
createInterface(process.stdin).on('line', () => {
  const { user, system } = process.cpuUsage();
  process.stdout.write(`${user + system}\n`);
});
process.stdout.write(
  `${JSON.stringify(kind === 'empty' ? await empty() : await governed(folder))}\n`,
);
