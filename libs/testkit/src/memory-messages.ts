import type {
  AgentInbox,
  AgentOutbox,
  InboundMessage,
  OutcomeInput,
  Subscription,
} from '@countersign/ports';
import { Fault } from '@countersign/kernel';

interface Standing extends InboundMessage {
  readonly key: string;
  state: 'waiting' | 'taken' | 'done';
}

/** Messages of agents in one process: what was not handled when its receiver closed is handed to the next. */
export class MemoryMessages {
  readonly #inbound: Standing[] = [];
  readonly #receivers = new Set<Receiver>();
  readonly outcomes: OutcomeInput[] = [];
  /** Nobody can be told anything meanwhile. */
  outboxIsOut = false;

  send(message: {
    key: string;
    bytes: Uint8Array;
    signature?: string | null;
    sender?: InboundMessage['sender'];
  }): void {
    const { key, bytes, signature = null, sender = null } = message;
    const place = `memory:${this.#inbound.length}`;
    this.#inbound.push({ place, key, bytes, signature, sender, state: 'waiting' });
    this.#wake();
  }

  /** How many messages nobody has handled yet. */
  get unhandled(): number {
    return this.#inbound.filter(({ state }) => state !== 'done').length;
  }

  openInbox(): AgentInbox {
    return {
      receive: (handle) => {
        const receiver = new Receiver(this.#inbound, handle, () => this.#wake());
        this.#receivers.add(receiver);
        this.#wake();
        const close = async () => {
          this.#receivers.delete(receiver);
          await receiver.close();
          this.#wake();
        };
        return { close };
      },
      read: (wanted) => {
        const found = this.#inbound.find(({ place }) => place === wanted);
        if (!found) return Promise.resolve(null);
        return Promise.resolve(asHandedOver(found));
      },
    };
  }

  openOutbox(): AgentOutbox {
    const answer = <T>(of: () => T): Promise<T> =>
      this.outboxIsOut ? Promise.reject(OUT) : Promise.resolve(of());
    return {
      publish: (outcomes) => answer(() => void this.outcomes.push(...outcomes)),
      through: (lane) =>
        answer(() => {
          const own = this.outcomes.filter((it) => it.lane === lane && it.through !== undefined);
          return own.at(-1)?.through ?? -1;
        }),
      close: () => Promise.resolve(),
    };
  }

  #wake(): void {
    for (const receiver of this.#receivers) receiver.look();
  }
}

function asHandedOver({ place, sender, bytes, signature }: Standing): InboundMessage {
  return { place, sender, bytes, signature };
}

const OUT = new Fault('outcomes_unavailable', 'nobody is told anything', { retryable: true });

class Receiver implements Subscription {
  readonly #inbound: readonly Standing[];
  readonly #handle: (message: InboundMessage) => Promise<void>;
  readonly #wake: () => void;
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(
    inbound: readonly Standing[],
    handle: (message: InboundMessage) => Promise<void>,
    wake: () => void,
  ) {
    this.#inbound = inbound;
    this.#handle = handle;
    this.#wake = wake;
  }

  look(): void {
    if (this.#closed) return;
    const blocked = new Set<string>();
    for (const message of this.#inbound) {
      if (message.state === 'done') continue;
      if (message.state === 'waiting' && !blocked.has(message.key)) this.#take(message);
      blocked.add(message.key);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running);
  }

  #take(message: Standing): void {
    message.state = 'taken';
    const running = Promise.resolve()
      .then(() => this.#handle(asHandedOver(message)))
      .then(
        () => void (message.state = 'done'),
        () => void (message.state = 'waiting'),
      )
      .then(() => {
        this.#running.delete(running);
        this.#wake();
      });
    this.#running.add(running);
  }
}
