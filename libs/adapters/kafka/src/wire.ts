import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { logLevel } from 'kafkajs';
import Cluster, { type FetchedMessage } from 'kafkajs/src/cluster/index.js';
import loggers from 'kafkajs/src/loggers/index.js';
import { CONNECT_MAX_MS, type KafkaConnection, loggerOf, requestMaxMsOf } from './connection.ts';
import { offsetOf } from './messages.ts';
import type { Place } from './places.ts';

/** Where to read, and from which offset. */
export interface Wanted extends Place {
  readonly offset: number;
}

/** What one partition answered. A batch of the log may begin before the offset that was asked for. */
export interface Fetched extends Place {
  readonly messages: readonly FetchedMessage[];
  /** Offset after the newest record that every in-sync replica has. */
  readonly end: number;
}

const METADATA_MAX_AGE_MS = 60_000;
const PARTITION_BYTES = 1_048_576;
/** A little more than most records of ours have, with their headers. */
const RECORD_BYTES_USUAL = 2_048;
const RESPONSE_BYTES = 16_777_216;
const FETCH_WAIT_MS = 250;
const RETRY = { initialRetryTime: 50, maxRetryTime: 200, retries: 1 };
/** Any client, not a replica; and no transactions to wait for. */
const PLAIN_CLIENT = { replicaId: -1, isolationLevel: 0 } as const;

/**
 * Requests to the brokers, one by one: kafkajs's own connections without its consumer, which cannot read without a
 * group, loses its place when the group changes, and goes on at another offset when its own is out of range. Here
 * every answer, also that one, comes back to the caller. Errors are kafkajs's.
 */
export class Wire {
  readonly #connection: KafkaConnection;
  readonly #topics: readonly string[];
  readonly #sockets = new Set<Socket>();
  #cluster: Promise<Cluster> | undefined;

  constructor(connection: KafkaConnection, topics: readonly string[]) {
    this.#connection = connection;
    this.#topics = topics;
  }

  /** Partitions by the broker that leads them now. */
  async byLeader(places: readonly Place[]): Promise<ReadonlyMap<string, readonly Place[]>> {
    const cluster = await this.#connected();
    await cluster.refreshMetadata();
    return led(cluster, places);
  }

  /** Offset of the first record that is there, and of the one that comes next, in the order of `places`. */
  async bounds(places: readonly Place[]): Promise<readonly { start: number; end: number }[]> {
    const [starts, ends] = await Promise.all([
      this.#offsets(places, true),
      this.#offsets(places, false),
    ]);
    return places.map((_, index) => ({ start: starts[index] ?? 0, end: ends[index] ?? 0 }));
  }

  ends(places: readonly Place[]): Promise<readonly number[]> {
    return this.#offsets(places, false);
  }

  /** What is there of each, waiting a moment for something if there is nothing yet. */
  fetch(leader: string, wanted: readonly Wanted[]): Promise<Fetched[]> {
    return this.#fetch(leader, wanted, { waitMs: FETCH_WAIT_MS, bytes: PARTITION_BYTES });
  }

  /**
   * What is there of one partition now, from whoever leads it.
   *
   * @param records how many are wanted: what is read beyond them was read, and taken apart, for nothing. Many, when
   *   left out.
   */
  async fetchOne(wanted: Wanted, records = Infinity): Promise<Fetched> {
    const [leader] = led(await this.#connected(), [wanted]).keys();
    if (leader === undefined) throw new Error(`nobody leads ${wanted.topic}:${wanted.partition}`);
    // A broker sends at least one whole batch, however little it is asked for.
    const bytes = Math.min(PARTITION_BYTES, records * RECORD_BYTES_USUAL);
    const [fetched] = await this.#fetch(leader, [wanted], { waitMs: 0, bytes });
    if (!fetched) throw new Error(`no answer for ${wanted.topic}:${wanted.partition}`);
    return fetched;
  }

  async #fetch(
    leader: string,
    wanted: readonly Wanted[],
    { waitMs, bytes }: { readonly waitMs: number; readonly bytes: number },
  ): Promise<Fetched[]> {
    const cluster = await this.#connected();
    const broker = await cluster.findBroker({ nodeId: leader });
    const topics = grouped(wanted, ({ partition, offset }) => ({
      partition,
      fetchOffset: String(offset),
      maxBytes: bytes,
    }));
    const { responses } = await broker.fetch({
      ...PLAIN_CLIENT,
      maxWaitTime: waitMs,
      minBytes: 1,
      maxBytes: RESPONSE_BYTES,
      topics,
    });
    return responses.flatMap(({ topicName, partitions }) =>
      partitions.map(({ partition, highWatermark, messages }) => ({
        topic: topicName,
        partition,
        messages,
        end: offsetOf(highWatermark),
      })),
    );
  }

  /** Drops all connections, what waits for an answer included; the next request connects anew. */
  async reset(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = undefined;
    for (const socket of this.#sockets) socket.destroy(new Error('dropped'));
    await cluster?.then((it) => it.disconnect()).catch(() => undefined);
  }

  async #offsets(places: readonly Place[], fromBeginning: boolean): Promise<readonly number[]> {
    const cluster = await this.#connected();
    const asked = grouped(places, ({ partition }) => ({ partition }));
    const answers = await cluster.fetchTopicsOffset(asked.map((it) => ({ ...it, fromBeginning })));
    return places.map((place) => {
      const partitions = answers.find(({ topic }) => topic === place.topic)?.partitions;
      const answer = partitions?.find(({ partition }) => partition === place.partition);
      if (!answer) throw new Error(`no offsets of ${place.topic}:${place.partition}`);
      return offsetOf(answer.offset);
    });
  }

  #connected(): Promise<Cluster> {
    this.#cluster ??= this.#connect();
    return this.#cluster;
  }

  async #connect(): Promise<Cluster> {
    const { brokers, clientId, ssl, sasl } = this.#connection;
    const cluster = new Cluster({
      ...PLAIN_CLIENT,
      brokers: [...brokers],
      clientId,
      ...(ssl !== undefined && { ssl }),
      ...(sasl !== undefined && { sasl }),
      logger: loggers.createLogger({
        level: logLevel.ERROR,
        logCreator: loggerOf(this.#connection),
      }),
      socketFactory: (options: SocketOptions) => this.#socket(options),
      connectionTimeout: CONNECT_MAX_MS,
      requestTimeout: requestMaxMsOf(this.#connection),
      enforceRequestTimeout: true,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
      retry: RETRY,
    });
    await cluster.connect();
    await cluster.addMultipleTargetTopics([...this.#topics]);
    return cluster;
  }

  #socket({ host, port, ssl, onConnect }: SocketOptions): Socket {
    const servername = isIP(host) ? {} : { servername: host };
    const socket = ssl
      ? connectTls({ host, port, ...servername, ...ssl }, onConnect)
      : connectTcp({ host, port }, onConnect);
    socket.setKeepAlive(true).setNoDelay(true);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }
}

interface SocketOptions {
  readonly host: string;
  readonly port: number;
  readonly ssl?: object;
  readonly onConnect: () => void;
}

function led(cluster: Cluster, places: readonly Place[]): ReadonlyMap<string, readonly Place[]> {
  const byLeader = new Map<string, Place[]>();
  for (const { topic, partitions } of grouped(places, ({ partition }) => partition))
    for (const [leader, own] of Object.entries(cluster.findLeaderForPartitions(topic, partitions)))
      byLeader.set(leader, [
        ...(byLeader.get(leader) ?? []),
        ...own.map((partition) => ({ topic, partition })),
      ]);
  return byLeader;
}

function grouped<P extends Place, T>(
  places: readonly P[],
  toPartition: (place: P) => T,
): { topic: string; partitions: T[] }[] {
  return [...new Set(places.map(({ topic }) => topic))].map((topic) => ({
    topic,
    partitions: places.filter((place) => place.topic === topic).map(toPartition),
  }));
}
