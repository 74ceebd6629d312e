// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A paying account that a P-256 key owns
/// @notice It answers whether its owner signed a digest (ERC-1271), and it lets its owner hand it over. It can do nothing
/// else: it makes no calls but the one that checks a signature, takes no ether, and nobody can upgrade it. What it holds
/// moves only through tokens that ask it for a signature, such as EIP-3009 tokens that behave as USDC does since v2.2.
/// @dev Deployed through the deterministic deployment proxy, so that its address follows from this code and its first
/// owner. No immutables: the code is the same for every account, and can be compared.
contract CountersignAccount {
  bytes4 private constant ERC1271_MAGIC = 0x1626ba7e;
  bytes4 private constant ERC1271_REFUSAL = 0xffffffff;
  /// P256VERIFY of EIP-7951, and of RIP-7212 before it. Where there is none a call succeeds and answers nothing.
  address private constant P256VERIFY = address(0x100);
  uint256 private constant HALF_CURVE_ORDER =
    0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8;
  bytes32 private constant DOMAIN_TYPEHASH =
    keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
  bytes32 private constant ROTATE_OWNER_TYPEHASH =
    keccak256("RotateOwner(bytes32 x,bytes32 y,uint256 rotation)");

  struct Point {
    bytes32 x;
    bytes32 y;
  }

  Point public owner;
  /// How often the owner changed: the nonce of the next rotation.
  uint256 public rotations;

  event OwnerRotated(uint256 indexed rotation, bytes32 x, bytes32 y);

  error NotSignedByOwner();
  error NotAcceptedByNewOwner();

  constructor(bytes32 x, bytes32 y) {
    owner = Point(x, y);
  }

  /// @param signature r and s, 32 bytes each, with the lower of the two possible s.
  function isValidSignature(
    bytes32 digest,
    bytes calldata signature
  ) external view returns (bytes4) {
    return _signed(digest, signature, owner) ? ERC1271_MAGIC : ERC1271_REFUSAL;
  }

  /// @notice Gives the account to another key. Whoever sends it pays gas, and decides nothing.
  /// @param signature of the present owner over `RotateOwner`, for this chain, this account and this rotation.
  /// @param acceptance of the new owner over the same, so that no account is given to a key that nobody holds.
  function rotateOwner(
    bytes32 x,
    bytes32 y,
    bytes calldata signature,
    bytes calldata acceptance
  ) external {
    Point memory next = Point(x, y);
    bytes32 digest = _rotationDigest(next);
    if (!_signed(digest, signature, owner)) revert NotSignedByOwner();
    if (!_signed(digest, acceptance, next)) revert NotAcceptedByNewOwner();
    emit OwnerRotated(rotations, x, y);
    rotations += 1;
    owner = next;
  }

  function _rotationDigest(Point memory next) private view returns (bytes32) {
    bytes32 domain = keccak256(
      abi.encode(
        DOMAIN_TYPEHASH,
        keccak256("Countersign Account"),
        keccak256("1"),
        block.chainid,
        address(this)
      )
    );
    bytes32 message = keccak256(abi.encode(ROTATE_OWNER_TYPEHASH, next, rotations));
    return keccak256(abi.encodePacked(hex"1901", domain, message));
  }

  /// @dev Whatever is not the one word 1 is a no: also the empty answer of a chain without the precompile.
  function _signed(
    bytes32 digest,
    bytes calldata signature,
    Point memory by
  ) private view returns (bool) {
    if (signature.length != 64) return false;
    if (uint256(bytes32(signature[32:])) > HALF_CURVE_ORDER) return false;
    (bool answered, bytes memory answer) = P256VERIFY.staticcall(
      abi.encodePacked(digest, signature, by.x, by.y)
    );
    return answered && answer.length == 32 && uint256(bytes32(answer)) == 1;
  }
}
