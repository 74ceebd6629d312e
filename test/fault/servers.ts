import { connect } from 'node:net';
import { startKafka } from '../../deploy/local/kafka.mjs';
import { type RedisServer, startRedis } from '../../deploy/local/redis.mjs';
import { freePorts } from '../../deploy/local/server.mjs';
import type { LocalServer } from '../../deploy/local/server.mjs';
import { type Relay, openRelay } from './relay.ts';

/** Kafka with a door for each replica: a broker tells whoever comes through one to come back through the same one. */
export interface Broker {
  readonly server: LocalServer;
  /** Without a relay, for whoever checks. */
  readonly own: string;
  readonly doors: readonly Relay[];
}

export async function startBroker(folder: string, doorCount: number): Promise<Broker> {
  const ports = await freePorts(doorCount + 2);
  const [port = 0, controllerPort = 0, ...inner] = ports;
  const doors = await Promise.all(inner.map((to) => openRelay(to)));
  const names = doors.map((_, index) => `DOOR${index}`);
  const at = (name: string, to: number) => `${name}://127.0.0.1:${to}`;
  const server = await startKafka({
    folder,
    ports,
    settings: {
      listeners: [
        at('PLAINTEXT', port),
        at('CONTROLLER', controllerPort),
        ...names.map((name, index) => at(name, inner[index] ?? 0)),
      ].join(','),
      'advertised.listeners': [
        at('PLAINTEXT', port),
        ...names.map((name, index) => at(name, doors[index]?.port ?? 0)),
      ].join(','),
      'listener.security.protocol.map': ['CONTROLLER', 'PLAINTEXT', ...names]
        .map((name) => `${name}:PLAINTEXT`)
        .join(','),
      'inter.broker.listener.name': 'PLAINTEXT',
      // A few connections come through each door.
      'num.network.threads': 1,
    },
  });
  return { server, own: `127.0.0.1:${port}`, doors };
}

/** Two Redis servers, one of them following the other; which one is the master changes. */
export class RedisPair {
  master: RedisServer;
  replica: RedisServer;

  private constructor(master: RedisServer, replica: RedisServer) {
    this.master = master;
    this.replica = replica;
  }

  static async start(): Promise<RedisPair> {
    const settings = {
      appendonly: 'yes',
      appendfsync: 'everysec',
      'repl-diskless-sync-delay': '0',
    };
    const [master, replica] = [await startRedis(settings), await startRedis(settings)];
    const pair = new RedisPair(master, replica);
    await pair.follow();
    return pair;
  }

  /** Makes the replica follow the master, and waits until it has caught up. */
  async follow(): Promise<void> {
    await say(this.replica, `REPLICAOF 127.0.0.1 ${this.master.port}`);
    for (;;) {
      const state = await say(this.replica, 'INFO replication').catch(() => '');
      if (state.includes('master_link_status:up')) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The replica becomes a master of its own with whatever it has, and the old one goes on as it was. */
  async promote(): Promise<void> {
    await say(this.replica, 'REPLICAOF NO ONE');
    [this.master, this.replica] = [this.replica, this.master];
  }

  /** What was written from now on is not in the replica until it follows again. */
  detach(): Promise<string> {
    // It keeps its data, and looks for its master where nobody listens.
    return say(this.replica, 'REPLICAOF 127.0.0.1 1');
  }

  async stop(): Promise<void> {
    await Promise.all([this.master.stop(), this.replica.stop()]);
  }
}

/** Has a Redis server do what an operator types. */
export async function say(server: RedisServer, command: string): Promise<string> {
  const socket = connect(server.port, server.host);
  try {
    return await new Promise((resolve, reject) => {
      let answer = '';
      socket.setTimeout(5_000, () => reject(new Error(`${command}: no answer`)));
      socket.once('error', reject);
      socket.on('data', (data) => {
        answer += data.toString();
        const length = /^\$(\d+)\r\n/.exec(answer);
        const isWhole = length ? answer.length >= Number(length[1]) + length[0].length + 2 : true;
        if (isWhole) resolve(answer);
      });
      socket.write(`${command}\r\n`);
    });
  } finally {
    socket.destroy();
  }
}
