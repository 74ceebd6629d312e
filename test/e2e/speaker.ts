import { type KeyObject, generateKeyPairSync, sign } from 'node:crypto';
import { OutcomeMessage, SealedOutcome, messageText } from '@countersign/contracts';
import { quoteOf } from '@countersign/testkit';
import { compactDecrypt } from 'jose';

/** An agent with its two keys, which writes messages as a client of any language would. */
export class Speaker {
  readonly #signing = generateKeyPairSync('ed25519');
  readonly #sealing = generateKeyPairSync('x25519');
  readonly agent: string;

  constructor(agent: string) {
    this.agent = agent;
  }

  /** As an operator registers them. */
  get keys() {
    return {
      signing: publicOf(this.#signing.publicKey),
      sealing: publicOf(this.#sealing.publicKey),
    };
  }

  /** An intent, with whatever a test wants otherwise in its envelope, quote or data. */
  intent(
    id: string,
    atMs: number,
    change: { url?: string; quote?: object; data?: object; envelope?: object } = {},
  ): Uint8Array {
    const { url = 'https://api.example.com/v1/embed', quote, data, envelope } = change;
    return this.#bytes('intent', id, atMs, {
      data: { quote: { ...quoteOf(), ...quote }, resource: { method: 'GET', url }, ...data },
      ...envelope,
    });
  }

  delivery(id: string, atMs: number, paymentId: string): Uint8Array {
    return this.#bytes('delivery', id, atMs, { data: { paymentId, status: 200 } });
  }

  sign(bytes: Uint8Array): string {
    return sign(null, messageText(bytes), this.#signing.privateKey).toString('base64url');
  }

  async open(outcome: OutcomeMessage) {
    const { plaintext } = await compactDecrypt(outcome.data.sealed ?? '', this.#sealing.privateKey);
    return SealedOutcome.parse(JSON.parse(new TextDecoder().decode(plaintext))).payment;
  }

  #bytes(type: string, id: string, atMs: number, rest: object): Uint8Array {
    const envelope = {
      specversion: '1.0',
      id,
      source: `agent/default/${this.agent}`,
      type: `dev.countersign.agent.${type}.v1`,
      time: new Date(atMs).toISOString(),
    };
    return new TextEncoder().encode(JSON.stringify({ ...envelope, ...rest }));
  }
}

export function outcomeIn(bytes: Uint8Array): OutcomeMessage {
  return OutcomeMessage.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

function publicOf(key: KeyObject): string {
  return key.export({ format: 'jwk' }).x ?? '';
}
