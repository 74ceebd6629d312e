import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/**
 * What becomes of what passes: `refuse` cuts every connection and takes no new one, `stall` keeps them and lets nothing
 * through, `mute` lets requests through and loses the answers.
 */
export type RelayMode = 'pass' | 'refuse' | 'stall' | 'mute';
export type Side = 'request' | 'answer';

/** Stands between one process and one server. */
export interface Relay {
  readonly port: number;
  set(mode: RelayMode): void;
  /** Cuts every connection; the next ones go to another port. */
  lead(port: number): void;
  /** Calls `then` once, when the next such bytes arrive: a request has been passed on by then, an answer is lost. */
  trap(side: Side, isIt: (bytes: Buffer) => boolean, then: () => void): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

export async function openRelay(to: number): Promise<Relay> {
  let target = to;
  let mode: RelayMode = 'pass';
  let trap: { side: Side; isIt: (bytes: Buffer) => boolean; then: () => void } | undefined;
  const pairs = new Set<Pair>();
  const cut = () => {
    for (const { client, server } of pairs) {
      client.destroy();
      server.destroy();
    }
    pairs.clear();
  };
  /** Whether the bytes go on. */
  const passes = (side: Side, bytes: Buffer): boolean => {
    if (mode === 'mute' && side === 'answer') return false;
    if (trap?.side !== side || !trap.isIt(bytes)) return true;
    const { then } = trap;
    trap = undefined;
    // After the bytes that were passed on have left this process.
    setImmediate(then);
    return side === 'request';
  };
  const listener = createServer((client) => {
    if (mode === 'refuse') return void client.destroy();
    const server = connect(target, '127.0.0.1');
    const pair = { client, server };
    pairs.add(pair);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      if (mode === 'stall') socket.pause();
      const side: Side = socket === client ? 'request' : 'answer';
      socket.setNoDelay(true);
      socket.on('data', (bytes) => passes(side, bytes) && other.write(bytes));
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        other.destroy();
      });
      if (mode === 'stall') socket.pause();
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    set(next) {
      // Who missed an answer must not take the next one for it.
      if (next === 'refuse' || mode === 'mute') cut();
      mode = next;
      for (const { client, server } of pairs)
        for (const socket of [client, server])
          if (next === 'stall') socket.pause();
          else socket.resume();
    },
    lead(port) {
      target = port;
      cut();
    },
    trap: (side, isIt, then) => void (trap = { side, isIt, then }),
    async close() {
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
