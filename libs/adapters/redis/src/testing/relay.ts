import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** A place between clients and a server, where connections can be led elsewhere, or lose what the server answers. */
export interface Relay {
  readonly url: string;
  /** Cuts every connection; the next ones go to this port. */
  lead(port: number): void;
  /** The next answer of the server is not passed on, and its connection is cut instead. */
  loseNextAnswer(): void;
  close(): Promise<void>;
}

export async function startRelay(port: number): Promise<Relay> {
  let target = port;
  let losing = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on('data', (data) => {
      if (losing) client.destroy();
      else client.write(data);
      losing = false;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead(next) {
      target = next;
      cut();
    },
    loseNextAnswer() {
      losing = true;
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
