import { type Server, type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** The kind of request that asks who leads a consumer group, by its number in Kafka's protocol. */
export const FIND_COORDINATOR = 10;

/** Stands between clients and a broker, and loses the broker's answers when told to. */
export interface Relay {
  readonly port: number;
  /** Requests still reach the broker; its answers reach nobody. */
  swallow(): void;
  /** Requests of this kind reach nobody. */
  lose(kind: number): void;
  /** Everything passes again, on new connections; those that missed something are cut. */
  pass(): void;
  /** Cuts the connection on which the next such answer arrives, in place of the answer. */
  cutNext(isIt: (answer: Buffer) => boolean): void;
  close(): Promise<void>;
}

export async function openRelay(to: () => number): Promise<Relay> {
  let swallowing = false;
  let cut: ((answer: Buffer) => boolean) | undefined;
  let losing: number | undefined;
  const pairs = new Set<{ end(): void }>();
  const server: Server = createServer((client: Socket) => {
    const broker = connect({ host: '127.0.0.1', port: to() });
    const pair = {
      end: () => {
        client.destroy();
        broker.destroy();
        pairs.delete(pair);
      },
    };
    pairs.add(pair);
    const requests = framed((request) => {
      if (request.readInt16BE(LENGTH_BYTES) !== losing) broker.write(request);
    });
    client.on('data', requests);
    broker.on('data', (answer) => {
      if (swallowing) return;
      if (cut?.(answer)) {
        cut = undefined;
        pair.end();
        return;
      }
      client.write(answer);
    });
    for (const socket of [client, broker]) socket.on('error', pair.end).on('close', pair.end);
  });
  const cutAll = () => {
    for (const pair of pairs) pair.end();
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    swallow: () => void (swallowing = true),
    lose: (kind) => void (losing = kind),
    pass: () => {
      swallowing = false;
      losing = undefined;
      cutAll();
    },
    cutNext: (isIt) => void (cut = isIt),
    close: async () => {
      cutAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const LENGTH_BYTES = 4;

/** Hands over whole requests, each with its length before it, however they were cut into pieces on their way. */
function framed(onRequest: (request: Buffer) => void): (piece: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (piece) => {
    rest = Buffer.concat([rest, piece]);
    while (rest.length >= LENGTH_BYTES) {
      const length = LENGTH_BYTES + rest.readInt32BE(0);
      if (rest.length < length) return;
      onRequest(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  };
}
