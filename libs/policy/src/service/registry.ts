import { randomBytes } from 'node:crypto';
import type {
  Change,
  EventData,
  MessageKeys,
  Role,
  Seller,
  WalletKind,
} from '@countersign/contracts';
import { sha256Hex } from '@countersign/kernel';
import {
  type PendingChange,
  agentOf,
  changeOf,
  fixedOf,
  loosenedBy,
  tenantOf,
} from '@countersign/payment';
import type { StatementKey } from '@countersign/ports';
import {
  type LaneHost,
  type ReadBack,
  Refused,
  Rejected,
  commit,
  expectApplied,
  personKeyOf,
  signStatement,
} from '@countersign/service-kit';
import { checkPolicy } from '../domain/check.ts';
import { loosenings } from '../domain/loosening.ts';
import { PolicyInvalid, parsePolicyText } from '../text.ts';

/** Who orders a change. */
export interface By {
  readonly tenant: string;
  readonly person: string;
}

/** What became of an order that may loosen: it is in force, or it waits for its time. */
export interface Ordered {
  readonly back: ReadBack;
  readonly scheduled: PendingChange | undefined;
}

type SignedChange =
  | 'change.scheduled'
  | 'change.canceled'
  | 'person.added'
  | 'agent.added'
  | 'agent.wallet_added'
  | 'agent.credential_replaced'
  | 'agent.message_keys_set'
  | 'seller.registered'
  | 'seller.removed'
  | 'policy.put'
  | 'policy.activated'
  | 'tenant.frozen'
  | 'wallet.unfrozen'
  | 'restore.accepted'
  | 'tenant.unfrozen'
  | 'wallet.requested'
  | 'wallet.rotation_ordered'
  | 'wallet.revoke_ordered';

/** Changes of `control` and stops: each is in force everywhere when the call returns, or waits ({@link Ordered}). */
export class Registry {
  readonly #host: LaneHost;
  readonly #key: StatementKey;

  constructor(host: LaneHost, key: StatementKey) {
    this.#host = host;
    this.#key = key;
  }

  /** Announces a service's public key, once. */
  async announceKey(
    service: EventData<'key.announced'>['service'],
    { keyId, publicKey }: Pick<StatementKey, 'keyId' | 'publicKey'>,
  ): Promise<void> {
    if (this.#host.control.keys.has(keyId)) return;
    const back = await this.#host.appendControl(
      'key.announced',
      { service, keyId, publicKey },
      { cause: keyId },
    );
    await this.#host.marked(back.position.offset);
  }

  /** @returns the credential, which is not kept anywhere. */
  async addPerson(
    by: By,
    person: string,
    roles: readonly Role[],
    secret = newCredential('person'),
  ) {
    const data = { tenant: by.tenant, person, roles: [...roles], by: by.person };
    const { publicKey } = personKeyOf(secret);
    const about = { ...data, credentialDigest: sha256Hex(secret), publicKey };
    const ordered = await this.#order(by, 'person.added', about);
    return { ...ordered, credential: secret };
  }

  async addAgent(by: By, agent: string, wallet: string) {
    const credential = newCredential('agent');
    const ordered = await this.#order(by, 'agent.added', {
      tenant: by.tenant,
      agent,
      wallet,
      credentialDigest: sha256Hex(credential),
      by: by.person,
    });
    return { ...ordered, credential };
  }

  /** @throws Refused `wallet_kind_taken` where the agent has one of this kind. */
  addAgentWallet(by: By, agent: string, wallet: string): Promise<Ordered> {
    const data = { tenant: by.tenant, agent, wallet, by: by.person };
    return this.#order(by, 'agent.wallet_added', data);
  }

  async replaceAgentCredential(by: By, agent: string) {
    const credential = newCredential('agent');
    const credentialDigest = sha256Hex(credential);
    const data = { tenant: by.tenant, agent, credentialDigest, by: by.person };
    return { back: await this.#change('agent.credential_replaced', data), credential };
  }

  /** From now on the agent's messages count if they are signed with this key, and with no other; null ends it. */
  setMessageKeys(by: By, agent: string, keys: MessageKeys | null): Promise<ReadBack> {
    const data = { tenant: by.tenant, agent, keys, by: by.person };
    return this.#change('agent.message_keys_set', data);
  }

  /**
   * Orders a smart account to be given to a new key. Done when everybody has stopped signing with the old one; the rest
   * is owed.
   *
   * @throws Refused `wallet_kind_wrong` for a key's own account: that one moves by withdrawing to a new wallet.
   */
  rotateWallet(by: By, wallet: string): Promise<ReadBack> {
    return this.#change('wallet.rotation_ordered', { tenant: by.tenant, wallet, by: by.person });
  }

  /**
   * Orders a wallet's key to be destroyed. Everybody has stopped signing with it for good when it returns; the rest is
   * owed.
   *
   * @returns the payments it signed that are not known to have ended.
   * @throws Refused `wallet_revoked`
   */
  async revokeWallet({ tenant, person: by }: By, wallet: string) {
    const back = await this.#change('wallet.revoke_ordered', { tenant, wallet, by });
    const agents = this.#host.lanes.flatMap((lane) => [...lane.agents.values()]);
    const payments = agents
      .filter((agent) => agent.tenant === tenant)
      .flatMap((agent) => [...agent.open].flatMap((id) => agent.payments.get(id) ?? []));
    const outstanding = payments
      .filter((it) => it.phase.status !== 'ended' && fixedOf(it)?.walletId === wallet)
      .map(({ id }) => id);
    return { back, outstanding };
  }

  /** Asks for a wallet and waits until the signer has made its key. */
  async requestWallet(
    by: By,
    wallet: string,
    kind?: WalletKind,
  ): Promise<{ back: ReadBack; address: string }> {
    const order = { tenant: by.tenant, wallet, by: by.person, ...(kind && { kind }) };
    const back = await this.#change('wallet.requested', order);
    const made = () => tenantOf(this.#host.control, by.tenant).wallets.get(wallet)?.address;
    const { promise, resolve } = Promise.withResolvers<string>();
    const look = () => {
      const address = made();
      if (address !== undefined) resolve(address);
    };
    const stop = this.#host.onControl(look);
    look();
    const address = await promise;
    stop();
    await this.#host.marked(this.#host.control.offset);
    return { back, address };
  }

  registerSeller(by: By, seller: Seller): Promise<Ordered> {
    const data = { tenant: by.tenant, seller, by: by.person };
    return this.#order(by, 'seller.registered', data);
  }

  removeSeller(by: By, seller: string): Promise<ReadBack> {
    return this.#change('seller.removed', { tenant: by.tenant, seller, by: by.person });
  }

  /** @throws Rejected with every fault of the text. */
  async putPolicy(by: By, text: string) {
    const { document, hash } = parsed(text);
    const { faults, warnings } = checkPolicy(document);
    if (faults.length > 0) throw new Rejected(faults);
    const version = tenantOf(this.#host.control, by.tenant).policies.size + 1;
    const data = { tenant: by.tenant, version, hash, text, by: by.person };
    return { back: await this.#change('policy.put', data), version, hash, warnings };
  }

  /** @throws Refused `second_person_needed` with what it would loosen, where its author may not activate it alone. */
  async activatePolicy(by: By, version: number) {
    const { policies, active } = tenantOf(this.#host.control, by.tenant);
    const put = policies.get(version);
    if (!put) throw new Refused('policy_unknown');
    const { hash } = put;
    const loosens = active ? policyLoosened(active.text, put.text) : [];
    const delaySeconds = parsed(put.text).document.loosening?.delaySeconds;
    const data = {
      tenant: by.tenant,
      version,
      hash,
      by: by.person,
      ...(active && { loosens, against: active.version }),
      ...(delaySeconds !== undefined && { delayMs: delaySeconds * 1_000 }),
    };
    try {
      return { ...(await this.#order(by, 'policy.activated', data)), hash, put, loosens };
    } catch (error) {
      if (error instanceof Refused && error.code === 'second_person_needed')
        throw new Refused(error.code, `It loosens what is in force: ${loosens.join('; ')}`);
      throw error;
    }
  }

  /** Ends the wait of a change that loosens: it never comes into force. @throws Refused `change_unknown` */
  cancelChange({ tenant, person: by }: By, change: string): Promise<ReadBack> {
    return this.#change('change.canceled', { tenant, change, by });
  }

  /** Stops an agent. In force for every signing after it returns; names payments whose authorization is out already. */
  async freezeAgent(by: By, agent: string, reason: string | undefined) {
    this.#agentKnown(by.tenant, agent);
    const committed = reason === undefined ? undefined : commit(reason);
    const back = await this.#host.append(
      'agent.frozen',
      {
        tenant: by.tenant,
        agent,
        by: by.person,
        ...(committed && { reason: committed.commitment }),
      },
      {
        cause: orderOf(by, 'freeze'),
        ...(committed && { openings: { reason: committed.opening } }),
      },
    );
    if (back.code !== 'duplicate') expectApplied(back);
    const state = agentOf(this.#host.laneFor(by.tenant, agent), by.tenant, agent);
    const tooLate = [...state.payments.values()]
      .filter((payment) => payment.phase.status !== 'ended' && fixedOf(payment))
      .map((payment) => payment.id);
    return { back, tooLate };
  }

  async unfreezeAgent(by: By, agent: string): Promise<ReadBack> {
    this.#agentKnown(by.tenant, agent);
    const order = { tenant: by.tenant, agent, by: by.person };
    const cause = orderOf(by, 'unfreeze');
    const data = await signStatement(this.#key, 'agent.unfrozen', order, cause);
    return expectApplied(await this.#host.append('agent.unfrozen', data, { cause }));
  }

  async freezeAll(by: By, reason: string | undefined): Promise<ReadBack> {
    const committed = reason === undefined ? undefined : commit(reason);
    const order = {
      tenant: by.tenant,
      by: by.person,
      ...(committed && { reason: committed.commitment }),
    };
    const cause = orderOf(by, 'freeze');
    const data = await signStatement(this.#key, 'tenant.frozen', order, cause);
    const back = await this.#host.appendControl('tenant.frozen', data, {
      cause,
      ...(committed && { openings: { reason: committed.opening } }),
    });
    if (back.code !== 'duplicate') expectApplied(back);
    await this.#host.marked(back.position.offset);
    return back;
  }

  unfreezeAll(by: By): Promise<ReadBack> {
    return this.#change('tenant.unfrozen', { tenant: by.tenant, by: by.person });
  }

  unfreezeWallet({ tenant, person: by }: By, wallet: string): Promise<ReadBack> {
    return this.#change('wallet.unfrozen', { tenant, wallet, by });
  }

  /** @param digest of the loss the person has looked at; another one may have come since. */
  acceptRestore({ tenant, person: by }: By, digest: string): Promise<ReadBack> {
    return this.#change('restore.accepted', { tenant, digest, by });
  }

  #agentKnown(tenant: string, agent: string): void {
    if (!tenantOf(this.#host.control, tenant).agents.has(agent)) throw new Refused('agent_unknown');
  }

  /** Brings a change into force, or where it loosens and the policy in force says so, sets it waiting. */
  async #order<N extends Change['kind']>(
    { tenant, person: by }: By,
    name: N,
    data: Omit<EventData<N>, 'signature'>,
  ): Promise<Ordered> {
    const { control } = this.#host;
    const { delayMs } = tenantOf(control, tenant);
    const event = { name, data } as unknown as Parameters<typeof changeOf>[0];
    const loosens = [...loosenedBy(tenantOf(control, tenant), event)];
    if (delayMs === 0 || loosens.length === 0)
      return { back: await this.#change(name, data), scheduled: undefined };
    const change = changeOf(event);
    const back = await this.#change('change.scheduled', { tenant, change, loosens, by });
    const now = tenantOf(this.#host.control, tenant).changes.get(back.id);
    // Canceled already, it is told as it was ordered: it is not in force either way.
    const scheduledAtMs = this.#host.control.atMs;
    const ordered = { id: back.id, change, loosens, by, scheduledAtMs };
    return { back, scheduled: now ?? { ...ordered, dueAtMs: scheduledAtMs + delayMs } };
  }

  async #change<N extends SignedChange>(
    name: N,
    statement: Omit<EventData<N>, 'signature'>,
  ): Promise<ReadBack> {
    const cause = `${name}/${randomBytes(8).toString('hex')}`;
    const data = await signStatement<SignedChange>(this.#key, name, statement, cause);
    const back = expectApplied(
      await this.#host.appendControl(name, data as EventData<N>, { cause }),
    );
    await this.#host.marked(back.position.offset);
    return back;
  }
}

function parsed(text: string) {
  try {
    return parsePolicyText(text);
  } catch (error) {
    if (error instanceof PolicyInvalid) throw new Rejected(error.errors);
    throw error;
  }
}

/** Sentences kept of what a change loosens. */
const LOOSENS_MAX = 100;

function policyLoosened(before: string, after: string): string[] {
  const [old, fresh] = [before, after].map((text) => parsePolicyText(text).document);
  if (!old || !fresh) return [];
  const found = loosenings(old, fresh).map((it) => it.slice(0, 300));
  return found.slice(0, LOOSENS_MAX);
}

/** Every order is one of its own, however often the same is ordered. */
function orderOf(by: By, what: string): string {
  return `${what}/${by.person}/${randomBytes(8).toString('hex')}`;
}

/** 256 bits; the prefix tells people and secret scanners what leaked. */
export function newCredential(kind: 'agent' | 'person'): string {
  return `csk_${kind}_${randomBytes(32).toString('base64url')}`;
}
