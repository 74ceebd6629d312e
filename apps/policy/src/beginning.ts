import type { Surroundings, Work } from '@countersign/hosting';
import { SERVICES } from '@countersign/contracts';
import { type Registry, ensureOwner } from '@countersign/policy/service';

/** The tenant of a deployment that has not been told of others. */
const TENANT = 'default';
const RETRY_MS = 2_000;

export interface BeginningParts extends Surroundings {
  readonly registry: Registry;
  readonly ownerFile: string;
}

/** What a new log needs before anybody can use it: a first person, and the public keys of all services. */
export class Beginning implements Work {
  readonly #parts: BeginningParts;
  readonly #begun = Promise.withResolvers<void>();
  #cancelTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(parts: BeginningParts) {
    this.#parts = parts;
  }

  start(): Promise<void> {
    void this.#make();
    return this.#begun.promise;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  async #make(): Promise<void> {
    const { registry, trusted, ownerFile, log, timers } = this.#parts;
    try {
      await ensureOwner(this.#parts, TENANT, ownerFile);
      for (const [keyId, { service: name, publicKey }] of trusted) {
        const service = SERVICES.find((known) => known === name);
        if (service) await registry.announceKey(service, { keyId, publicKey });
      }
      this.#begun.resolve();
    } catch (error) {
      if (this.#isStopped) return;
      log.warn({ err: error }, 'the log could not be begun; trying again');
      this.#cancelTimer = timers.after(RETRY_MS, () => void this.#make());
    }
  }
}
