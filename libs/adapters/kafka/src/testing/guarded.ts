/**
 * For tests: settings of brokers that ask everybody for a login, and let nobody do what no ACL says.
 *
 * @param passwords by name of a principal; the first may do everything
 */
export function guarded(passwords: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const [[first, password] = ['', '']] = passwords;
  const users = [...passwords].map(([name, its]) => `user_${name}="${its}"`).join(' ');
  const login = `username="${first}" password="${password}"`;
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule';
  return {
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.plaintext.plain.sasl.jaas.config': `${plain} required ${login} ${users};`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:${first};User:ANONYMOUS`,
  };
}
