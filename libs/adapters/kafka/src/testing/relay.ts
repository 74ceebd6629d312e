import { type Server, type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Stands between clients and a broker, and loses the broker's answers when told to. */
export interface Relay {
  readonly port: number;
  /** Requests still reach the broker; its answers reach nobody. */
  swallow(): void;
  /** Answers pass again, on new connections; those that missed one are cut. */
  pass(): void;
  /** Cuts the connection on which the next such answer arrives, in place of the answer. */
  cutNext(isIt: (answer: Buffer) => boolean): void;
  close(): Promise<void>;
}

export async function openRelay(to: () => number): Promise<Relay> {
  let swallowing = false;
  let cut: ((answer: Buffer) => boolean) | undefined;
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
    client.pipe(broker);
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
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    swallow: () => void (swallowing = true),
    pass: () => {
      swallowing = false;
      for (const pair of pairs) pair.end();
    },
    cutNext: (isIt) => void (cut = isIt),
    close: async () => {
      for (const pair of pairs) pair.end();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
