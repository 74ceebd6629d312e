import { IntakeModule, Unattributed, messagesDuty } from '@countersign/intake/service';
import type { PaymentView, RouteName } from '@countersign/contracts';
import { createHttpApp, silentLog } from '@countersign/service-kit';
import { MemoryMessages, NETWORK, PAYEE, USDC, quoteOf } from '@countersign/testkit';
import { collaborative } from './policies.ts';
import type { Place } from './right-requests.ts';
import { type World, statementKey } from './world.ts';

const OWNER = { tenant: 'default', person: 'owner' };
const AGENT = 'research-1';
const TREASURY = '0x7ea5000000000000000000000000000000007ea5';
const TASKS = `/v1/agents/${AGENT}/tasks`;

/** A world with something behind every door, and more of it wherever a request uses it up. */
export class Inhabited {
  readonly #world: World;
  #place!: Place;
  #names = 0;

  private constructor(world: World) {
    this.#world = world;
  }

  /** @param paid the id of a settled payment of `research-1`; people decide on its others. */
  static async of(world: World, paid: string): Promise<Inhabited> {
    const inhabited = new Inhabited(world);
    await inhabited.#moveIn(paid);
    return inhabited;
  }

  /** Where the route can be asked once with success. */
  async placeFor(route: RouteName): Promise<Place> {
    const fresh = this.#name();
    const offer = offerAt(`https://api.example.com/${fresh}`);
    this.#place = { ...this.#place, fresh, offer, ...(await this.#furnish(route)) };
    return this.#place;
  }

  async #moveIn(paid: string): Promise<void> {
    const { registry } = this.#world.services;
    const account = await this.#account();
    const { task } = await this.#task();
    const { task: exploring, plan } = await this.#exploring();
    const text = collaborative();
    const { version } = await registry.putPolicy(OWNER, text);
    this.#place = {
      ...{ fresh: '', agent: AGENT, wallet: 'w1', otherWallet: account, account },
      ...{ frozenWallet: 'w1', frozenAgent: AGENT, seller: 'embeddings' },
      ...{ task, exploring, plan, session: await this.#session() },
      doomed: { agent: AGENT, wallet: 'w1', seller: 'embeddings', task, session: '' },
      ...{ paid, waiting: await this.#waiting() },
      ...{ offer: offerAt('https://api.example.com/'), treasury: TREASURY },
      policy: { version: String(version), text },
      ...{ change: '', ignored: await this.#ignored(), message: 'memory:0', loss: '' },
    };
  }

  async #furnish(route: RouteName): Promise<Partial<Place>> {
    const { doomed } = this.#place;
    const { registry } = this.#world.services;
    switch (route) {
      case 'grant':
      case 'veto':
        return { waiting: await this.#waiting() };
      case 'closeSession':
        return { doomed: { ...doomed, session: await this.#session() } };
      case 'closeTask':
        return { doomed: { ...doomed, task: (await this.#task()).task } };
      case 'setTaskPhase':
        return this.#task();
      case 'submitPlan':
      case 'commitPlan': {
        const { task, plan } = await this.#exploring();
        return { exploring: task, plan };
      }
      case 'addAgentWallet':
      case 'freezeAgent':
        return { doomed: { ...doomed, agent: await this.#agent() } };
      case 'unfreezeAgent': {
        const frozenAgent = await this.#agent();
        await registry.freezeAgent(OWNER, frozenAgent, undefined);
        return { frozenAgent };
      }
      case 'unfreezeAll':
        await registry.freezeAll(OWNER, undefined);
        return {};
      case 'activatePolicy': {
        const { text } = this.#place.policy;
        const { version } = await registry.putPolicy(OWNER, text);
        return { policy: { version: String(version), text } };
      }
      case 'removeSeller':
        return { doomed: { ...doomed, seller: await this.#seller() } };
      case 'revokeWallet':
        return { doomed: { ...doomed, wallet: (await this.#wallet()).wallet } };
      case 'rotateWallet':
        return { account: await this.#account() };
      case 'unfreezeWallet':
        return { frozenWallet: await this.#robbed() };
      default:
        return {};
    }
  }

  #name(): string {
    this.#names += 1;
    return `n${this.#names}`;
  }

  async #waiting(): Promise<PaymentView> {
    const url = `https://api.example.com/${this.#name()}`;
    return (await this.#world.propose({ url, purpose: 'to know' })).body;
  }

  async #session(): Promise<string> {
    const session = this.#name();
    const body = { seconds: 3_600, unit: 'USD', ceiling: '9000000' };
    await this.#world.call('owner', 'PUT', `/v1/agents/${AGENT}/sessions/${session}`, { body });
    return session;
  }

  async #task(phase: 'exploring' | 'executing' = 'executing'): Promise<{ task: string }> {
    const task = this.#name();
    const body = { task, phase, unit: 'USD', ceiling: '5000000', estimate: '1000000' };
    await this.#world.call('owner', 'POST', TASKS, { body });
    return { task };
  }

  async #exploring(): Promise<{ task: string; plan: string }> {
    const { task } = await this.#task('exploring');
    const options = { body: { text: 'one by one' } };
    const url = `${TASKS}/${task}/plan`;
    const { body } = await this.#world.call<{ plan: string }>(AGENT, 'PUT', url, options);
    return { task, plan: body.plan };
  }

  async #agent(): Promise<string> {
    const agent = this.#name();
    await this.#world.services.registry.addAgent(OWNER, agent, 'w1');
    return agent;
  }

  async #seller(): Promise<string> {
    const seller = this.#name();
    await this.#world.services.registry.registerSeller(OWNER, {
      ...{ seller, domain: `${seller}.example.com`, category: 'embedding', jurisdiction: 'DE' },
      payTo: [{ network: NETWORK, address: PAYEE }],
      ...{ trust: 'known', takes: 'any', routes: [] },
    });
    return seller;
  }

  async #wallet(): Promise<{ wallet: string; address: string }> {
    const wallet = this.#name();
    const { address } = await this.#world.services.registry.requestWallet(OWNER, wallet);
    return { wallet, address };
  }

  /** A smart account that stands. */
  async #account(): Promise<string> {
    const wallet = this.#name();
    await this.#world.services.registry.requestWallet(OWNER, wallet, 'erc1271-p256');
    await this.#world.pass(10_000);
    return wallet;
  }

  /** A wallet frozen because money left it unrecorded. */
  async #robbed(): Promise<string> {
    const { wallet, address: from } = await this.#wallet();
    const { chain } = this.#world;
    chain.mint(USDC, from, 7n);
    await chain.submitPlain({ token: USDC, from, to: PAYEE, value: 7n });
    await this.#world.pass(3_000);
    return wallet;
  }

  async #ignored(): Promise<string> {
    const [garbage] = await this.#world.log.append([
      { lane: '1', key: 'x', bytes: Uint8Array.of(0xff) },
    ]);
    await this.#world.settle();
    return `1:${garbage?.offset}`;
  }
}

/** Intake as it is where agents speak by messages, with one message at `memory:0` that nobody can have sent. */
export async function intakeWithMessages({ services: { host }, time: { clock, timers } }: World) {
  const inbox = new MemoryMessages();
  inbox.send({ key: 'default/nobody', bytes: new Uint8Array([1]), signature: null });
  const key = statementKey('intake');
  const unattributed = new Unattributed(clock, silentLog);
  const shell = { host, key, clock, timers, unattributed };
  const messages = messagesDuty({
    ...{ ...shell, inbox: inbox.openInbox(), outbox: inbox.openOutbox(), log: silentLog },
  });
  const app = await createHttpApp(host, [IntakeModule.with({ ...shell, messages })], silentLog);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}

function offerAt(url: string): Place['offer'] {
  return { quote: quoteOf(), resource: { method: 'GET', url } };
}
