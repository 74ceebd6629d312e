export { AuditModule } from './service/audit.module.ts';
export { EventArchive } from './service/event-archive.ts';
