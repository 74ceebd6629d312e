export { AuditModule } from './service/audit.module.ts';
export { EventArchive } from './service/event-archive.ts';
export { EventFeed } from './service/event-feed.ts';
