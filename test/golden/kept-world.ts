import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openEventStore } from '@countersign/adapter-clickhouse';
import { smartAccounts } from '@countersign/adapter-evm/account';
import { typedData } from '@countersign/adapter-evm/typed-data';
import { openKeystore } from '@countersign/adapter-keystore';
import { openStateStore, openStore } from '@countersign/adapter-sqlite';
import type { Service } from '@countersign/contracts';
import { silentLog } from '@countersign/service-kit';
import { openSigningJournal } from '@countersign/signing/service';
import { NETWORK, USDC, VirtualTime } from '@countersign/testkit';
import { MemoryChain } from '@countersign/testkit/memory-chain';
import { type Services, startServices } from '../../apps/standalone/src/services.ts';
import { BLOCK_MS, Rig } from '../e2e/rig.ts';
import { LANES, LAST_MS, copyOfKeptFolder } from './kept-store.ts';

/** Within a second of what was written last, where a block begins. */
const START_MS = Math.ceil(LAST_MS / BLOCK_MS) * BLOCK_MS;
/** More than had the chain that the store was written over: no block that its records name is yet to come. */
const BLOCKS = 300;
const FUNDS = 1_000_000_000n;

/**
 * The services of today over a copy of the kept folder, from the moment in which it was left: on the adapters of the
 * standalone app, with a chain in memory and time that a test moves.
 */
export class KeptWorld extends Rig {
  readonly folder = copyOfKeptFolder();
  /** Whatever is signed is believed: what has to be a signature of a wallet, the spec verifies. */
  readonly chain = new MemoryChain({
    network: NETWORK,
    tokens: [USDC],
    genesisTimeMs: START_MS - BLOCKS * BLOCK_MS,
    verify: () => true,
    verifyCancellation: () => true,
  });
  services!: Services;
  readonly #hasEventStore: boolean;
  /** What other threads have not answered yet. */
  readonly #underWay = new Set<Promise<unknown>>();
  #end!: () => Promise<void>;

  private constructor(hasEventStore: boolean) {
    super(new VirtualTime(START_MS));
    this.#hasEventStore = hasEventStore;
    for (let left = BLOCKS - 1; left >= 0; left -= 1) this.chain.mine(START_MS - left * BLOCK_MS);
    for (const who of ['owner', 'my-agent'])
      this.credentials[who] = readFileSync(join(this.folder, `${who}.credential`), 'utf8').trim();
  }

  /** @param hasEventStore whether there is an event store, which proofs need and which takes a second to load. */
  static async open({ hasEventStore = false } = {}): Promise<KeptWorld> {
    const world = new KeptWorld(hasEventStore);
    await world.start();
    const { body } = await world.call<{ agents: { address: string }[] }>(
      'owner',
      'GET',
      '/v1/agents',
    );
    for (const { address } of body.agents) world.chain.mint(USDC, address, FUNDS);
    return world;
  }

  async start(): Promise<void> {
    const { clock, timers } = this.time;
    const within = (name: string) => join(this.folder, name);
    const store = openStore({ path: within('countersign.db'), laneCount: LANES, clock });
    const state = openStateStore(within('fold.db'));
    const journal = openSigningJournal(within('signer.journal'));
    const passphraseFile = within('keys.passphrase');
    const keystore = await openKeystore({ folder: within('keys'), passphraseFile });
    const key = async (service: Service) => this.#awaited(await keystore.statementKey(service));
    this.services = await startServices({
      ...{ eventLog: store.log, budgets: store.budgets, state, journal, clock, timers },
      ...{ wallets: this.#awaited(keystore.wallets), owners: keystore.owners },
      ...{ accounts: smartAccounts, typedData },
      keys: {
        intake: await key('intake'),
        policy: await key('policy'),
        approval: await key('approval'),
        signer: await key('signer'),
        settlement: await key('settlement'),
        alerting: await key('alerting'),
        recorder: await key('recorder'),
      },
      chains: new Map([[NETWORK, this.chain]]),
      tokens: new Map([[NETWORK, [USDC]]]),
      notifier: { notify: () => Promise.resolve() },
      ...(this.#hasEventStore && {
        openEventStore: () => openEventStore({ logId: store.log.logId, folder: within('events') }),
      }),
      ceilingOf: () => ({ perPayment: 10n ** 8n, perDay: 10n ** 9n }),
      ...{ revokedKeyKeptMs: 0, pollMs: 500, log: silentLog },
      onFatal: (error) => {
        throw error;
      },
    });
    this.#end = async () => {
      await this.services.close();
      state.close();
      await store.close();
      journal.close();
      await keystore.wallets.close();
    };
    await this.services.app.init();
    await this.services.app.getHttpAdapter().getInstance().ready();
    await this.services.work('http://test.invalid/approve');
  }

  stop(): Promise<void> {
    return this.#end();
  }

  /** Lets everything that is under way come to rest, also what the keystore has other threads do. */
  override async settle(): Promise<void> {
    await super.settle();
    while (this.#underWay.size > 0) {
      await Promise.allSettled(this.#underWay);
      await super.settle();
    }
  }

  /** The same port; what it is asked counts as under way until it answers. */
  #awaited<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          const answer: unknown = Reflect.apply(member, target, args);
          if (!(answer instanceof Promise)) return answer;
          const done = () => void this.#underWay.delete(answer);
          this.#underWay.add(answer);
          answer.then(done, done);
          return answer;
        };
      },
    });
  }
}
