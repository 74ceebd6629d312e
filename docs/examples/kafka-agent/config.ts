/** Where the agent finds its brokers and keys, and who it is. */
export const brokers = (process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(',');
export const prefix = process.env['KAFKA_PREFIX'] ?? '';
export const tenant = process.env['AGENT_TENANT'] ?? 'default';
export const agent = process.env['AGENT_NAME'] ?? 'research-1';
export const keysFolder = process.env['AGENT_KEYS'] ?? '.';
