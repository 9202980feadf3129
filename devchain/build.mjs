// Compiles chains/contracts with solc-js and writes one artifact a contract to chains/abi.
//
//   node devchain/build.mjs           build and write
//   node devchain/build.mjs --check   build and compare with what is committed; write nothing
//
// Exit codes: 0 done; 1 the sources do not compile, an artifact is stale or a contract too large;
// 2 usage. --check also refuses compiler warnings.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const DEVCHAIN = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(DEVCHAIN);
const SOURCES = join(ROOT, "chains", "contracts");
const ARTIFACTS = join(ROOT, "chains", "abi");
const SIZE_BYTES_MAX = 24_576; // EIP-170
const TEST_FOLDERS = new Set(["test", "test_mustfail"]);

/** Whether a source is this project's, not the library's, which we cannot change. */
const isOwn = (source) => source.startsWith("chains/contracts/");

/** Paths of all Solidity sources under `folder`, tests left out, sorted. */
function solidityFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return TEST_FOLDERS.has(entry.name) ? [] : solidityFiles(path);
      return entry.name.endsWith(".sol") ? [path] : [];
    })
    .sort();
}

/** The standard-JSON request; source names are relative to the root, as forge names them. */
function request(paths) {
  return {
    language: "Solidity",
    sources: Object.fromEntries(
      paths.map((path) => [relative(ROOT, path), { content: readFileSync(path, "utf8") }]),
    ),
    settings: {
      evmVersion: "cancun",
      optimizer: { enabled: true, runs: 200 },
      metadata: { bytecodeHash: "none" },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode", "evm.deployedBytecode.object"] } },
    },
  };
}

function readLibrary(name) {
  const path = join(DEVCHAIN, "node_modules", name);
  return existsSync(path)
    ? { contents: readFileSync(path, "utf8") }
    : { error: `not found; only @openzeppelin/contracts and chains/contracts can be imported` };
}

/** Compiles and returns solc's output; throws with solc's own messages where it refuses. */
function compile(paths) {
  const solc = createRequire(import.meta.url)("solc");
  const output = JSON.parse(
    solc.compile(JSON.stringify(request(paths)), { import: readLibrary }),
  );
  const messages = output.errors ?? [];
  const warnings = messages.filter(
    ({ severity, sourceLocation }) => severity === "warning" && isOwn(sourceLocation?.file ?? ""),
  );
  const errors = messages.filter(({ severity }) => severity === "error");
  warnings.forEach(({ formattedMessage }) => console.error(formattedMessage));
  if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join("\n"));
  return { contracts: output.contracts, warningCount: warnings.length };
}

function artifact(contractName, { abi, evm }) {
  if (Object.keys(evm.bytecode.linkReferences).length > 0) {
    throw new Error(`${contractName}: needs linking; make its library functions internal`);
  }
  const deployedSize = evm.deployedBytecode.object.length / 2;
  return { contractName, abi, bytecode: `0x${evm.bytecode.object}`, deployedSize };
}

/** Artifacts of our own contracts by name; libraries without an external face are left out. */
function artifacts(contracts) {
  const found = new Map();
  for (const [source, members] of Object.entries(contracts)) {
    if (!isOwn(source)) continue;
    for (const [name, output] of Object.entries(members)) {
      if (output.abi.length === 0) continue;
      if (found.has(name)) throw new Error(`${source}: a second contract is named ${name}`);
      found.set(name, artifact(name, output));
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function reportSizes(built) {
  const deployable = [...built.values()].filter(({ deployedSize }) => deployedSize > 0);
  for (const { contractName, deployedSize } of deployable) {
    console.log(`${String(deployedSize).padStart(6)} B  ${contractName}`);
  }
  return deployable
    .filter(({ deployedSize }) => deployedSize > SIZE_BYTES_MAX)
    .map(({ contractName, deployedSize }) =>
      `${contractName}: ${deployedSize} B deployed, the limit is ${SIZE_BYTES_MAX} B (EIP-170)`);
}

function committedNames() {
  if (!existsSync(ARTIFACTS)) return [];
  return readdirSync(ARTIFACTS)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length));
}

const render = (value) => `${JSON.stringify(value, null, 2)}\n`;
const artifactPath = (name) => join(ARTIFACTS, `${name}.json`);

function write(built) {
  mkdirSync(ARTIFACTS, { recursive: true });
  committedNames().filter((name) => !built.has(name)).forEach((name) => rmSync(artifactPath(name)));
  built.forEach((value, name) => writeFileSync(artifactPath(name), render(value)));
  return [];
}

function differences(built) {
  const cure = "run: node devchain/build.mjs";
  const committed = new Set(committedNames());
  const stale = [...committed].filter((name) => !built.has(name));
  const changed = [...built].filter(
    ([name, value]) => committed.has(name) && readFileSync(artifactPath(name), "utf8") !== render(value),
  );
  return [
    ...[...built.keys()].filter((name) => !committed.has(name)).map((n) => `${n}.json is missing; ${cure}`),
    ...changed.map(([name]) => `${name}.json differs from its source; ${cure}`),
    ...stale.map((name) => `${name}.json has no source; ${cure}`),
  ].map((sentence) => `chains/abi/${sentence}`);
}

function main(options) {
  if (options.some((option) => option !== "--check")) {
    console.error("usage: node devchain/build.mjs [--check]");
    return 2;
  }
  const checking = options.includes("--check");
  const paths = solidityFiles(SOURCES);
  if (paths.length === 0) throw new Error(`no Solidity sources under ${SOURCES}`);
  const { contracts, warningCount } = compile(paths);
  const built = artifacts(contracts);
  const problems = [...reportSizes(built), ...(checking ? differences(built) : write(built))];
  if (checking && warningCount > 0) problems.push(`the compiler gave ${warningCount} warnings`);
  problems.forEach((problem) => console.error(`build: ${problem}`));
  console.log(`${built.size} artifacts ${checking ? "checked" : "written"}, ${problems.length} problems`);
  return problems.length === 0 ? 0 : 1;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
}
