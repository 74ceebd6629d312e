export { firstAccepting } from './first-accepting.ts';
export { terminalNotifier, visible } from './terminal-notifier.ts';
export { type WebhookOptions, webhookNotifier } from './webhook-notifier.ts';
