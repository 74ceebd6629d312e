// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A dollar for the sandbox that answers as USDC v2.2 on Base Sepolia does
/// @notice The runtime code is planted with `anvil_setCode` and never constructed. For this reason it has no
/// constructor and no immutables, and it computes the EIP-712 domain on every call. The reasons for reverting
/// are those of USDC v2.2, because x402 facilitators classify failures by matching them.
/// @dev The roles of USDC are left out: whoever is in the sandbox may mint, blacklist and pause.
contract SandboxUsdc {
  string public constant name = "USDC";
  string public constant symbol = "USDC";
  string public constant version = "2";
  uint8 public constant decimals = 6;

  bytes32 public constant TRANSFER_WITH_AUTHORIZATION_TYPEHASH =
    keccak256(
      "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
  bytes32 public constant RECEIVE_WITH_AUTHORIZATION_TYPEHASH =
    keccak256(
      "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
  bytes32 public constant CANCEL_AUTHORIZATION_TYPEHASH =
    keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");

  bytes32 private constant DOMAIN_TYPEHASH =
    keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
  bytes4 private constant ERC1271_MAGIC = 0x1626ba7e;
  uint256 private constant HALF_CURVE_ORDER =
    0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

  struct Authorization {
    address from;
    address to;
    uint256 value;
    uint256 validAfter;
    uint256 validBefore;
    bytes32 nonce;
  }

  uint256 public totalSupply;
  bool public paused;
  mapping(address account => uint256 amount) public balanceOf;
  mapping(address owner => mapping(address spender => uint256 amount)) public allowance;
  mapping(address authorizer => mapping(bytes32 nonce => bool spent)) public authorizationState;
  mapping(address account => bool blacklisted) public isBlacklisted;

  event Transfer(address indexed from, address indexed to, uint256 value);
  event Approval(address indexed owner, address indexed spender, uint256 value);
  event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
  event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);
  event Mint(address indexed minter, address indexed to, uint256 amount);
  event Blacklisted(address indexed account);
  event UnBlacklisted(address indexed account);
  event Pause();
  event Unpause();

  modifier whenNotPaused() {
    require(!paused, "Pausable: paused");
    _;
  }

  modifier notBlacklisted(address account) {
    require(!isBlacklisted[account], "Blacklistable: account is blacklisted");
    _;
  }

  // ERC-20

  function transfer(
    address to,
    uint256 value
  ) external whenNotPaused notBlacklisted(msg.sender) notBlacklisted(to) returns (bool) {
    _transfer(msg.sender, to, value);
    return true;
  }

  function approve(
    address spender,
    uint256 value
  ) external whenNotPaused notBlacklisted(msg.sender) notBlacklisted(spender) returns (bool) {
    require(spender != address(0), "ERC20: approve to the zero address");
    allowance[msg.sender][spender] = value;
    emit Approval(msg.sender, spender, value);
    return true;
  }

  function transferFrom(
    address from,
    address to,
    uint256 value
  )
    external
    whenNotPaused
    notBlacklisted(msg.sender)
    notBlacklisted(from)
    notBlacklisted(to)
    returns (bool)
  {
    uint256 allowed = allowance[from][msg.sender];
    require(value <= allowed, "ERC20: transfer amount exceeds allowance");
    allowance[from][msg.sender] = allowed - value;
    _transfer(from, to, value);
    return true;
  }

  function _transfer(address from, address to, uint256 value) private {
    require(from != address(0), "ERC20: transfer from the zero address");
    require(to != address(0), "ERC20: transfer to the zero address");
    uint256 held = balanceOf[from];
    require(value <= held, "ERC20: transfer amount exceeds balance");
    balanceOf[from] = held - value;
    balanceOf[to] += value;
    emit Transfer(from, to, value);
  }

  // EIP-3009

  function transferWithAuthorization(
    address from,
    address to,
    uint256 value,
    uint256 validAfter,
    uint256 validBefore,
    bytes32 nonce,
    uint8 v,
    bytes32 r,
    bytes32 s
  ) external {
    _transferWithAuthorization(
      Authorization(from, to, value, validAfter, validBefore, nonce),
      abi.encodePacked(r, s, v)
    );
  }

  function transferWithAuthorization(
    address from,
    address to,
    uint256 value,
    uint256 validAfter,
    uint256 validBefore,
    bytes32 nonce,
    bytes memory signature
  ) external {
    _transferWithAuthorization(
      Authorization(from, to, value, validAfter, validBefore, nonce),
      signature
    );
  }

  function receiveWithAuthorization(
    address from,
    address to,
    uint256 value,
    uint256 validAfter,
    uint256 validBefore,
    bytes32 nonce,
    uint8 v,
    bytes32 r,
    bytes32 s
  ) external {
    _receiveWithAuthorization(
      Authorization(from, to, value, validAfter, validBefore, nonce),
      abi.encodePacked(r, s, v)
    );
  }

  function receiveWithAuthorization(
    address from,
    address to,
    uint256 value,
    uint256 validAfter,
    uint256 validBefore,
    bytes32 nonce,
    bytes memory signature
  ) external {
    _receiveWithAuthorization(
      Authorization(from, to, value, validAfter, validBefore, nonce),
      signature
    );
  }

  function cancelAuthorization(
    address authorizer,
    bytes32 nonce,
    uint8 v,
    bytes32 r,
    bytes32 s
  ) external {
    _cancelAuthorization(authorizer, nonce, abi.encodePacked(r, s, v));
  }

  function cancelAuthorization(
    address authorizer,
    bytes32 nonce,
    bytes memory signature
  ) external {
    _cancelAuthorization(authorizer, nonce, signature);
  }

  function DOMAIN_SEPARATOR() public view returns (bytes32) {
    return
      keccak256(
        abi.encode(
          DOMAIN_TYPEHASH,
          keccak256(bytes(name)),
          keccak256(bytes(version)),
          block.chainid,
          address(this)
        )
      );
  }

  function _transferWithAuthorization(
    Authorization memory a,
    bytes memory signature
  ) private whenNotPaused notBlacklisted(a.from) notBlacklisted(a.to) {
    _useAuthorization(TRANSFER_WITH_AUTHORIZATION_TYPEHASH, a, signature);
  }

  function _receiveWithAuthorization(
    Authorization memory a,
    bytes memory signature
  ) private whenNotPaused notBlacklisted(a.from) notBlacklisted(a.to) {
    require(a.to == msg.sender, "FiatTokenV2: caller must be the payee");
    _useAuthorization(RECEIVE_WITH_AUTHORIZATION_TYPEHASH, a, signature);
  }

  /// @dev The order of the two events is a promise: readers pair an `AuthorizationUsed` with the log after it.
  function _useAuthorization(
    bytes32 typehash,
    Authorization memory a,
    bytes memory signature
  ) private {
    require(block.timestamp > a.validAfter, "FiatTokenV2: authorization is not yet valid");
    require(block.timestamp < a.validBefore, "FiatTokenV2: authorization is expired");
    _requireUnusedAuthorization(a.from, a.nonce);
    _requireValidSignature(a.from, keccak256(abi.encode(typehash, a)), signature);
    authorizationState[a.from][a.nonce] = true;
    emit AuthorizationUsed(a.from, a.nonce);
    _transfer(a.from, a.to, a.value);
  }

  function _cancelAuthorization(
    address authorizer,
    bytes32 nonce,
    bytes memory signature
  ) private whenNotPaused {
    _requireUnusedAuthorization(authorizer, nonce);
    _requireValidSignature(
      authorizer,
      keccak256(abi.encode(CANCEL_AUTHORIZATION_TYPEHASH, authorizer, nonce)),
      signature
    );
    authorizationState[authorizer][nonce] = true;
    emit AuthorizationCanceled(authorizer, nonce);
  }

  function _requireUnusedAuthorization(address authorizer, bytes32 nonce) private view {
    require(
      !authorizationState[authorizer][nonce],
      "FiatTokenV2: authorization is used or canceled"
    );
  }

  // Signatures: the presence of code at the account alone decides between ecrecover and ERC-1271.

  function _requireValidSignature(
    address signer,
    bytes32 structHash,
    bytes memory signature
  ) private view {
    bytes32 digest = keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR(), structHash));
    bool valid = signer.code.length == 0
      ? _recover(digest, signature) == signer
      : _accountAccepts(signer, digest, signature);
    require(valid, "FiatTokenV2: invalid signature");
  }

  function _recover(bytes32 digest, bytes memory signature) private pure returns (address) {
    require(signature.length == 65, "ECRecover: invalid signature length");
    bytes32 r;
    bytes32 s;
    uint8 v;
    assembly ("memory-safe") {
      r := mload(add(signature, 0x20))
      s := mload(add(signature, 0x40))
      v := byte(0, mload(add(signature, 0x60)))
    }
    require(uint256(s) <= HALF_CURVE_ORDER, "ECRecover: invalid signature 's' value");
    require(v == 27 || v == 28, "ECRecover: invalid signature 'v' value");
    address signer = ecrecover(digest, v, r, s);
    require(signer != address(0), "ECRecover: invalid signature");
    return signer;
  }

  function _accountAccepts(
    address account,
    bytes32 digest,
    bytes memory signature
  ) private view returns (bool) {
    (bool answered, bytes memory answer) = account.staticcall(
      abi.encodeWithSelector(ERC1271_MAGIC, digest, signature)
    );
    return answered && answer.length >= 32 && bytes32(answer) == bytes32(ERC1271_MAGIC);
  }

  // Powers that USDC gives to roles

  function mint(
    address to,
    uint256 amount
  ) external whenNotPaused notBlacklisted(msg.sender) notBlacklisted(to) returns (bool) {
    require(to != address(0), "FiatToken: mint to the zero address");
    require(amount > 0, "FiatToken: mint amount not greater than 0");
    totalSupply += amount;
    balanceOf[to] += amount;
    emit Mint(msg.sender, to, amount);
    emit Transfer(address(0), to, amount);
    return true;
  }

  function blacklist(address account) external {
    isBlacklisted[account] = true;
    emit Blacklisted(account);
  }

  function unBlacklist(address account) external {
    isBlacklisted[account] = false;
    emit UnBlacklisted(account);
  }

  function pause() external {
    paused = true;
    emit Pause();
  }

  function unpause() external {
    paused = false;
    emit Unpause();
  }
}
