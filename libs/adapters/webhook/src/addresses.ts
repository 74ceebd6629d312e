import { BlockList, isIP } from 'node:net';

/** Leads nowhere on the public internet: this host, this network, carriers' networks, documentation, groups. */
const NOT_PUBLIC_V4 = listOf('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // Azure's host agent, which answers every virtual machine with its secrets, has a public number.
  ['168.63.129.16', 32],
]);

/**
 * Of IPv6 only global unicast is public. That leaves out loopback, unique local and link-local addresses, groups, and
 * the forms that embed an IPv4 address: mapped (`::ffff:`), compatible and NAT64 (`64:ff9b:`).
 */
const GLOBAL_V6 = listOf('ipv6', [['2000::', 3]]);
/** Within global unicast: Teredo and other special uses, 6to4, documentation. */
const NOT_PUBLIC_V6 = listOf('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]);

const LOCAL_V4 = listOf('ipv4', [
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
]);
const LOCAL_V6 = listOf('ipv6', [
  ['::1', 128],
  ['fc00::', 7],
]);
/** The metadata service of a cloud, which is nobody's receiver, has a unique local address too. */
const METADATA_V6 = listOf('ipv6', [['fd00:ec2::', 32]]);

/** Whether an address is on the public internet; whatever cannot be told is not. */
export function isPublicAddress(address: string): boolean {
  switch (kindOf(address)) {
    case 4:
      return !NOT_PUBLIC_V4.check(address, 'ipv4');
    case 6:
      return GLOBAL_V6.check(address, 'ipv6') && !NOT_PUBLIC_V6.check(address, 'ipv6');
    default:
      return false;
  }
}

/** Whether an address is this machine's or its own network's, and no metadata service. */
export function isLocalAddress(address: string): boolean {
  switch (kindOf(address)) {
    case 4:
      return LOCAL_V4.check(address, 'ipv4');
    case 6:
      return LOCAL_V6.check(address, 'ipv6') && !METADATA_V6.check(address, 'ipv6');
    default:
      return false;
  }
}

/** 4, 6, or 0 for what is no address or names an interface of this machine. */
function kindOf(address: string): number {
  return address.includes('%') ? 0 : isIP(address);
}

function listOf(family: 'ipv4' | 'ipv6', nets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of nets) list.addSubnet(net, prefix, family);
  return list;
}
