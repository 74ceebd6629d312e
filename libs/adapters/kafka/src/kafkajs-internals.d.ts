/** What `wire.ts` and `request-queue.ts` use of kafkajs's insides; kafkajs 2.2.4 publishes no types of it. */
declare module 'kafkajs/src/cluster/index.js' {
  import type { KafkaConfig, Logger, RetryOptions } from 'kafkajs';

  export interface FetchedMessage {
    offset: string;
    timestamp: string;
    key: Buffer | null;
    value: Buffer | null;
    headers: Record<string, Buffer | Buffer[]>;
  }

  interface Broker {
    fetch(request: {
      replicaId: -1;
      isolationLevel: 0;
      maxWaitTime: number;
      minBytes: number;
      maxBytes: number;
      topics: {
        topic: string;
        partitions: { partition: number; fetchOffset: string; maxBytes: number }[];
      }[];
    }): Promise<{
      responses: {
        topicName: string;
        partitions: { partition: number; highWatermark: string; messages: FetchedMessage[] }[];
      }[];
    }>;
  }

  interface ClusterOptions extends Pick<KafkaConfig, 'ssl' | 'sasl' | 'clientId'> {
    brokers: string[];
    logger: Logger;
    socketFactory: unknown;
    connectionTimeout: number;
    requestTimeout: number;
    enforceRequestTimeout: true;
    metadataMaxAge: number;
    allowAutoTopicCreation: false;
    isolationLevel: 0;
    retry: RetryOptions;
  }

  class Cluster {
    constructor(options: ClusterOptions);
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    refreshMetadata(): Promise<void>;
    addMultipleTargetTopics(topics: string[]): Promise<void>;
    findBroker(of: { nodeId: string }): Promise<Broker>;
    findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>;
    fetchTopicsOffset(
      topics: { topic: string; partitions: { partition: number }[]; fromBeginning: boolean }[],
    ): Promise<{ topic: string; partitions: { partition: number; offset: string }[] }[]>;
  }

  export default Cluster;
}

declare module 'kafkajs/src/loggers/index.js' {
  import type { Logger, logCreator, logLevel } from 'kafkajs';

  const loggers: {
    createLogger(options: { level: logLevel; logCreator: logCreator }): Logger;
  };
  export default loggers;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  import type { Logger } from 'kafkajs';

  class RequestQueue {
    constructor(options: {
      maxInFlightRequests: number | null;
      requestTimeout: number;
      enforceRequestTimeout: boolean;
      clientId: string;
      broker: string;
      logger: Logger;
    });
    readonly pending: readonly unknown[];
    /** Of the wall clock; -1 when the broker never asked to wait. */
    readonly throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    push(request: {
      entry: { correlationId: number; resolve: (answer: unknown) => void };
      expectResponse: boolean;
      sendRequest: () => void;
    }): void;
    fulfillRequest(answer: { correlationId: number; payload: unknown; size: number }): void;
    maybeThrottle(ms: number): void;
    destroy(): void;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  }

  export default RequestQueue;
}
