import { Controller, Inject } from '@nestjs/common';
import type {
  EvaluateBody,
  MessageKeys,
  Role,
  Seller,
  Verdict,
  WalletKind,
} from '@countersign/contracts';
import {
  type SessionFacts,
  agentOf,
  establishFacts,
  factsOfSession,
  factsOfTask,
  isStopped,
  tenantOf,
} from '@countersign/payment';
import type { Budgets, Clock } from '@countersign/ports';
import {
  type Caller,
  LaneHost,
  Refused,
  Route,
  RouteParam,
  RouteBody,
  TheCaller,
  nextLogTimeMs,
  personOf,
  positionText,
} from '@countersign/service-kit';
import { pickTier } from '@countersign/contracts';
import { concludeDecision, planDecision, withPolicyFacts } from '../index.ts';
import { PolicyCache } from './policy-cache.ts';
import { toldAvailable } from './told-available.ts';
import { changeView } from './changes.controller.ts';
import { type Ordered, Registry } from './registry.ts';

export const BUDGETS = Symbol('Budgets');
export const CLOCK = Symbol('Clock');

@Controller()
export class PolicyController {
  constructor(
    @Inject(Registry) private readonly registry: Registry,
    @Inject(LaneHost) private readonly host: LaneHost,
    @Inject(BUDGETS) private readonly budgets: Budgets,
    @Inject(PolicyCache) private readonly policies: PolicyCache,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Route('listAgents')
  listAgents(@TheCaller() { tenant }: Caller) {
    const view = tenantOf(this.host.control, tenant);
    const agents = [...view.agents].map(([agent, { wallets }]) => ({
      agent,
      wallet: wallets[0] ?? '',
      address: view.wallets.get(wallets[0] ?? '')?.address ?? '',
      wallets: [...wallets],
      frozen:
        isStopped(view, agent) || agentOf(this.host.laneFor(tenant, agent), tenant, agent).frozen,
    }));
    return { agents };
  }

  @Route('addAgent')
  async addAgent(
    @TheCaller() caller: Caller,
    @RouteBody('addAgent') body: { agent: string; wallet: string },
  ) {
    const by = personOf(caller);
    const { credential, ...ordered } = await this.registry.addAgent(by, body.agent, body.wallet);
    return { ...orderedView(ordered), credential };
  }

  @Route('addAgentWallet')
  async addAgentWallet(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteBody('addAgentWallet') body: { wallet: string },
  ) {
    return orderedView(await this.registry.addAgentWallet(personOf(caller), agent, body.wallet));
  }

  @Route('replaceAgentCredential')
  async replaceCredential(@TheCaller() caller: Caller, @RouteParam('agent') agent: string) {
    const { back, credential } = await this.registry.replaceAgentCredential(
      personOf(caller),
      agent,
    );
    return { position: positionText(back), credential };
  }

  @Route('setAgentMessageKeys')
  async setMessageKeys(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteBody('setAgentMessageKeys') { keys }: { keys: MessageKeys | null },
  ) {
    const back = await this.registry.setMessageKeys(personOf(caller), agent, keys);
    return { position: positionText(back) };
  }

  @Route('freezeAgent')
  async freeze(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteBody('freezeAgent') body: { reason?: string },
  ) {
    const { back, tooLate } = await this.registry.freezeAgent(personOf(caller), agent, body.reason);
    return { position: positionText(back), tooLate };
  }

  @Route('unfreezeAgent')
  async unfreeze(@TheCaller() caller: Caller, @RouteParam('agent') agent: string) {
    return { position: positionText(await this.registry.unfreezeAgent(personOf(caller), agent)) };
  }

  @Route('freezeAll')
  async freezeAll(@TheCaller() caller: Caller, @RouteBody('freezeAll') body: { reason?: string }) {
    return { position: positionText(await this.registry.freezeAll(personOf(caller), body.reason)) };
  }

  @Route('unfreezeAll')
  async unfreezeAll(@TheCaller() caller: Caller) {
    return { position: positionText(await this.registry.unfreezeAll(personOf(caller))) };
  }

  @Route('unfreezeWallet')
  async unfreezeWallet(@TheCaller() caller: Caller, @RouteParam('wallet') wallet: string) {
    return {
      position: positionText(await this.registry.unfreezeWallet(personOf(caller), wallet)),
    };
  }

  @Route('readRestore')
  readRestore(@TheCaller() { tenant }: Caller) {
    return { digest: tenantOf(this.host.control, tenant).restore };
  }

  @Route('acceptRestore')
  async acceptRestore(
    @TheCaller() caller: Caller,
    @RouteBody('acceptRestore') body: { digest: string },
  ) {
    return {
      position: positionText(await this.registry.acceptRestore(personOf(caller), body.digest)),
    };
  }

  @Route('addPerson')
  async addPerson(
    @TheCaller() caller: Caller,
    @RouteBody('addPerson') body: { person: string; roles: Role[] },
  ) {
    const by = personOf(caller);
    const { credential, ...ordered } = await this.registry.addPerson(by, body.person, body.roles);
    return { ...orderedView(ordered), credential };
  }

  @Route('listSellers')
  listSellers(@TheCaller() { tenant }: Caller) {
    return { sellers: [...tenantOf(this.host.control, tenant).sellers.values()] };
  }

  @Route('registerSeller')
  async registerSeller(
    @TheCaller() caller: Caller,
    @RouteParam('seller') seller: string,
    @RouteBody('registerSeller') body: Omit<Seller, 'seller'>,
  ) {
    return orderedView(await this.registry.registerSeller(personOf(caller), { ...body, seller }));
  }

  @Route('removeSeller')
  async removeSeller(@TheCaller() caller: Caller, @RouteParam('seller') seller: string) {
    return { position: positionText(await this.registry.removeSeller(personOf(caller), seller)) };
  }

  @Route('listPolicies')
  listPolicies(@TheCaller() { tenant }: Caller) {
    const view = tenantOf(this.host.control, tenant);
    const policies = [...view.policies.values()].map(({ version, hash, by }) => ({
      version,
      hash,
      by,
      active: view.active?.version === version,
    }));
    return { policies };
  }

  @Route('readPolicy')
  readPolicy(@TheCaller() { tenant }: Caller, @RouteParam('version') version: string) {
    const view = tenantOf(this.host.control, tenant);
    const policy = view.policies.get(Number(version));
    if (!policy) throw new Refused('policy_unknown');
    return { ...policy, active: view.active?.version === policy.version };
  }

  @Route('putPolicy')
  async putPolicy(@TheCaller() caller: Caller, @RouteBody('putPolicy') body: { text: string }) {
    const by = personOf(caller);
    const { back, version, hash, warnings } = await this.registry.putPolicy(by, body.text);
    const put = { version, hash, by: by.person, active: false };
    return { position: positionText(back), ...put, warnings: [...warnings] };
  }

  @Route('activatePolicy')
  async activatePolicy(@TheCaller() caller: Caller, @RouteParam('version') version: string) {
    const { put, hash, loosens, ...ordered } = await this.registry.activatePolicy(
      personOf(caller),
      Number(version),
    );
    const active = ordered.scheduled === undefined;
    return { ...orderedView(ordered), version: put.version, hash, by: put.by, active, loosens };
  }

  @Route('requestWallet')
  async requestWallet(
    @TheCaller() caller: Caller,
    @RouteBody('requestWallet') body: { wallet: string; kind?: WalletKind },
  ) {
    const by = personOf(caller);
    const { back, address } = await this.registry.requestWallet(by, body.wallet, body.kind);
    return { position: positionText(back), address };
  }

  @Route('rotateWallet')
  async rotateWallet(@TheCaller() caller: Caller, @RouteParam('wallet') wallet: string) {
    return { position: positionText(await this.registry.rotateWallet(personOf(caller), wallet)) };
  }

  @Route('revokeWallet')
  async revokeWallet(@TheCaller() caller: Caller, @RouteParam('wallet') wallet: string) {
    const { back, outstanding } = await this.registry.revokeWallet(personOf(caller), wallet);
    return { position: positionText(back), outstanding };
  }

  @Route('evaluatePolicy')
  async evaluate(
    @TheCaller() caller: Caller,
    @RouteBody('evaluatePolicy') body: EvaluateBody,
  ): Promise<Verdict> {
    const { tenant } = personOf(caller);
    const view = tenantOf(this.host.control, tenant);
    const lane = this.host.laneFor(tenant, body.agent);
    const atMs = nextLogTimeMs(lane, this.clock);
    const agent = agentOf(lane, tenant, body.agent);
    const version = body.version === undefined ? view.active : view.policies.get(body.version);
    if (version === undefined) throw new Refused('policy_unknown');
    const known = this.policies.policy(version);
    const policy = known && known.compiled;
    const { quote, resource, category, expectedAmount, task, session, again = false } = body;
    const told = establishFacts({
      intent: {
        tenant,
        agent: body.agent,
        kind: 'payment',
        again,
        asserted: {
          ...(category !== undefined && { category }),
          ...(expectedAmount !== undefined && { expectedAmount }),
          ...(task !== undefined && { task }),
          ...(session !== undefined && { session }),
        },
      },
      quote,
      resource,
      atMs,
      view,
      agentFrozen: agent.frozen,
      openTasks: agent.tasks,
      taskTerms: factsOfTask(task === undefined ? undefined : agent.taskBooks.get(task)),
      session: assumedSession(body) ?? factsOfSession(agent, session, atMs),
    });
    const facts = known ? withPolicyFacts(told, known.document) : told;
    const plan = planDecision(policy, facts);
    const { budgets } = this;
    const book = { tenant, epoch: tenantOf(lane.view, tenant).epoch };
    if (plan.kind === 'denied') {
      const denial = await toldAvailable({ budgets, book }, plan, null);
      return concludeDecision(policy, facts, denial.plan, null);
    }
    const limits = [...plan.always, ...plan.tiers.flatMap((tier) => tier.limits)];
    const readings = await budgets.read(book, limits);
    const byId = new Map(readings.map((reading) => [reading.limitId, reading]));
    const tier = pickTier(plan, byId, plan.amount);
    const answer = {
      epoch: view.epoch,
      sequence: 0,
      atMs,
      tier,
      readings: [...readings],
    };
    return concludeDecision(policy, facts, plan, answer);
  }
}

/** The session that the evaluation is told to take for granted. */
function assumedSession({ session, sessionTerms }: EvaluateBody): SessionFacts | undefined {
  if (session === undefined || sessionTerms === undefined) return undefined;
  const { unit, ceiling } = sessionTerms;
  return {
    session,
    ...(ceiling !== undefined && { ceiling }),
    ...(unit !== undefined && { unit }),
  };
}

/** Where the order stands in the log; and until when it waits, where it does. */
function orderedView({ back, scheduled }: Ordered) {
  return { position: positionText(back), ...(scheduled && { scheduled: changeView(scheduled) }) };
}
