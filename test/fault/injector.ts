import { setTimeout as pause } from 'node:timers/promises';
import type { Fleet, Member } from './fleet.ts';
import type { Ledger } from './ledger.ts';
import type { Fault, Planned } from './plan.ts';
import { say } from './servers.ts';

/** Faults that are in force at once. */
const AT_ONCE_MAX = 4;
/** A record or a request that does not come: the process is killed all the same. */
const TRAP_MS = 8_000;
/** Without any new record for so long, the next fault comes nevertheless. */
const SILENCE_MS = 4_000;
const POLL_MS = 50;
/** What a file may hold on a "full" disk: less than any of ours. */
const FULL_AT_BYTES = 1_024;

/** What came of a fault: `missed` where the point at which it was to strike did not come. */
export interface Injected {
  readonly planned: Planned;
  readonly missed: boolean;
}

export interface InjectorParts {
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  readonly onBegin: (planned: Planned) => void;
  readonly onEnd: (injected: Injected) => void;
}

/** Carries out a plan: several faults at once, never two at one process or server. */
export class Injector {
  readonly #parts: InjectorParts;
  /** By process or server: the fault that holds it. */
  readonly #busy = new Map<string, Promise<void>>();

  constructor(parts: InjectorParts) {
    this.#parts = parts;
  }

  /** @param untilMs by the clock of `performance`: what has not begun by then never does. */
  async carryOut(plan: readonly Planned[], untilMs: number): Promise<void> {
    for (const planned of plan) {
      if (performance.now() >= untilMs) break;
      const names = struckBy(planned.fault, this.#parts.fleet);
      while (this.#isHindered(names)) await Promise.race(this.#busy.values());
      this.#parts.onBegin(planned);
      const done = this.#strike(planned).finally(() => {
        for (const name of names) this.#busy.delete(name);
      });
      for (const name of names) this.#busy.set(name, done);
      // A fault that cannot be carried out ends the run, and not this process.
      done.catch(() => undefined);
      await Promise.race([this.#gap(planned.gapRecords), failureOf(done)]);
    }
    await Promise.all(this.#busy.values());
  }

  #isHindered(names: readonly string[]): boolean {
    return (
      new Set(this.#busy.values()).size >= AT_ONCE_MAX || names.some((it) => this.#busy.has(it))
    );
  }

  /** Faults follow the work, not the clock: a slow machine gets as many of them per payment. */
  async #gap(records: number): Promise<void> {
    const { ledger } = this.#parts;
    const until = ledger.count + records;
    const begunMs = performance.now();
    for (;;) {
      if (ledger.count >= until) return;
      const quietMs = performance.now() - Math.max(ledger.lastAtMs, begunMs);
      if (quietMs > SILENCE_MS) return;
      await pause(POLL_MS);
    }
  }

  async #strike(planned: Planned): Promise<void> {
    const missed = await this.#do(planned);
    this.#parts.onEnd({ planned, missed });
  }

  /** @returns whether the point at which it was to strike never came. */
  async #do({ fault, holdMs }: Planned): Promise<boolean> {
    const { fleet } = this.#parts;
    switch (fault.kind) {
      case 'kill':
        await this.#killed([this.#member(fault.member)], holdMs);
        return false;
      case 'kill at a record': {
        const isMissed = await this.#untilRecord(fault.record);
        await this.#killed(
          fault.members.map((name) => this.#member(name)),
          holdMs,
        );
        return isMissed;
      }
      case 'kill on the wire':
        return this.#killedOnTheWire(fault, holdMs);
      case 'pause': {
        const { replica } = this.#member(fault.member);
        replica.pause();
        await pause(holdMs);
        replica.resume();
        return false;
      }
      case 'cut off': {
        const relay = this.#member(fault.member).relays[fault.server];
        relay?.set(fault.mode);
        await pause(holdMs);
        relay?.set('pass');
        return false;
      }
      case 'disk full': {
        const { replica } = this.#member(fault.member);
        replica.limitFiles(FULL_AT_BYTES);
        await pause(holdMs);
        replica.limitFiles(undefined);
        return false;
      }
      case 'broker killed':
        await fleet.broker.server.kill();
        await pause(holdMs);
        await fleet.broker.server.restart();
        return false;
      case 'broker paused':
        await fleet.broker.server.pause();
        await pause(holdMs);
        fleet.broker.server.resume();
        return false;
      case 'vault paused':
        await fleet.vault.pause();
        await pause(holdMs);
        fleet.vault.resume();
        return false;
      default:
        await this.#strikeRedis(fault, holdMs);
        return false;
    }
  }

  async #strikeRedis(
    fault: Extract<Fault, { kind: `redis ${string}` }>,
    holdMs: number,
  ): Promise<void> {
    const { redis, members } = this.#parts.fleet;
    if (fault.kind === 'redis emptied') return void (await say(redis.master, 'FLUSHALL'));
    if (fault.kind === 'redis killed') {
      await redis.master.kill();
      await pause(holdMs);
      return redis.master.restart();
    }
    // What the old master acknowledges from here on, the new one has never heard of.
    await redis.detach();
    await this.#gap(6);
    await redis.promote();
    for (const { replica, relays } of members)
      if (!fault.left.includes(replica.name)) relays.redis?.lead(redis.master.port);
    await pause(holdMs);
    for (const { relays } of members) relays.redis?.lead(redis.master.port);
    await redis.follow();
  }

  async #killed(members: readonly Member[], downMs: number): Promise<void> {
    await Promise.all(members.map(({ replica }) => replica.kill()));
    await pause(downMs);
    await Promise.all(members.map(({ replica }) => replica.start()));
  }

  async #killedOnTheWire(
    { member: name, server, side }: Extract<Fault, { kind: 'kill on the wire' }>,
    downMs: number,
  ): Promise<boolean> {
    const member = this.#member(name);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const isIt = server === 'kafka' ? isProduce : (bytes: Buffer) => bytes.length > 0;
    member.relays[server]?.trap(side, isIt, () => resolve(false));
    const late = setTimeout(() => resolve(true), TRAP_MS);
    const isMissed = await promise;
    clearTimeout(late);
    member.relays[server]?.trap(
      side,
      () => false,
      () => undefined,
    );
    await this.#killed([member], downMs);
    return isMissed;
  }

  async #untilRecord(name: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const stop = this.#parts.ledger.onEvent((event) => event.name === name && resolve(false));
    const late = setTimeout(() => resolve(true), TRAP_MS);
    const isMissed = await promise;
    clearTimeout(late);
    stop();
    return isMissed;
  }

  #member(name: string): Member {
    const member = this.#parts.fleet.members.find(({ replica }) => replica.name === name);
    if (!member) throw new Error(`no process is called ${name}`);
    return member;
  }
}

/** A Kafka request for appending: its API key, after its length. */
function isProduce(bytes: Buffer): boolean {
  return bytes.length > 6 && bytes.readInt16BE(4) === 0;
}

function struckBy(fault: Fault, fleet: Fleet): readonly string[] {
  switch (fault.kind) {
    case 'kill at a record':
      return fault.members;
    case 'broker killed':
    case 'broker paused':
      return ['kafka'];
    case 'vault paused':
      return ['vault'];
    case 'redis killed':
    case 'redis emptied':
      return ['redis'];
    case 'redis failed over':
      // Their relays are led from one server to the other.
      return ['redis', ...fleet.of('policy').map(({ replica }) => replica.name)];
    default:
      return [fault.member];
  }
}

function failureOf(done: Promise<void>): Promise<never> {
  return new Promise((_, reject) => void done.catch(reject));
}
