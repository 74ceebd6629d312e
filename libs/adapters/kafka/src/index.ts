export { AgentsFile } from './agent-access.ts';
export { type KafkaInboxOptions, openKafkaInbox } from './agent-inbox.ts';
export { type KafkaOutboxOptions, openKafkaOutbox } from './agent-outbox.ts';
export type { KafkaConnection } from './connection.ts';
export { type KafkaDutyOptions, kafkaDuty } from './kafka-duty.ts';
export { type KafkaLogOptions, openKafkaLog } from './kafka-log.ts';
export {
  type TopicStep,
  TopicsFile,
  type TopicsWanted,
  applyTopics,
  planTopics,
} from './topics.ts';
