// Brings a replica set to what wanted.json says, for `mongosh --nodb --file`; FLSTR_DO is state, health, ready,
// arrange or empty.
// What it changed is printed, a sentence a line; nothing is printed where nothing was to change.

const fs = require("fs");
const wanted = JSON.parse(fs.readFileSync("/etc/flstr-mongodb/wanted.json", "utf8"));

const ADMIN = "flstr";
const ALREADY_INITIALIZED = 23;
const AUTHENTICATION_FAILED = 18;
const POLL_MILLISECONDS = 500;
const ELECTION_POLLS = 240;
// Its version is not the next one, another one is under way, or the last one is not known to most members yet.
const RECONFIG_AGAIN = [103, 109, 308];
const RECONFIG_ATTEMPTS = 60;
// What is of the set itself, and not of the apps.
const OWN_DATABASES = ["admin", "config", "local"];

// Loops and no callbacks: the shell waits for a server's answer in the former only.

function here() {
  return connect(`mongodb://${encodeURIComponent(wanted.socket)}/admin?directConnection=true`);
}

function hello(db) {
  return db.adminCommand({ hello: 1 });
}

// The set's primary, whoever that is, as flstr's own user.
function primaryOf(hosts) {
  const db = connect(`mongodb://${hosts.join(",")}/admin?replicaSet=${wanted.service}`);
  db.getSiblingDB("admin").auth({ user: ADMIN, pwd: wanted.password });
  return db;
}

function waitForPrimary() {
  for (let poll = 0; poll < ELECTION_POLLS; poll += 1) {
    const told = hello(here());
    if (told.primary) return told;
    sleep(POLL_MILLISECONDS);
  }
  throw new Error(`the replica set ${wanted.service} has no primary: most of its members have to run`);
}

function found() {
  if (hello(here()).setName) return;
  const members = [{ _id: 0, host: wanted.self }];
  try {
    here().adminCommand({ replSetInitiate: { _id: wanted.service, members } });
    print(`the replica set ${wanted.service} was founded on ${wanted.self}`);
  } catch (error) {
    if (error.code !== ALREADY_INITIALIZED) throw error;
  }
}

// A set that has no user yet lets the machine itself make the first one.
function makeAdmin(hosts) {
  try {
    primaryOf(hosts);
    return;
  } catch (error) {
    if (error.code !== AUTHENTICATION_FAILED) throw error;
  }
  const roles = [{ role: "root", db: "admin" }];
  here().getSiblingDB("admin").runCommand({ createUser: ADMIN, pwd: wanted.password, roles });
  print(`the user ${ADMIN} was made`);
}

function configOf(db) {
  return db.adminCommand({ replSetGetConfig: 1 }).config;
}

function hostsIn(config) {
  return config.members.map((member) => member.host);
}

// MongoDB changes the configuration by itself too: where a new member follows, it is given its vote.
function reconfigure(db, membersOf) {
  for (let attempt = 1; ; attempt += 1) {
    const config = configOf(db);
    config.members = membersOf(config.members);
    config.version += 1;
    try {
      db.adminCommand({ replSetReconfig: config });
      return;
    } catch (error) {
      if (!RECONFIG_AGAIN.includes(error.code) || attempt === RECONFIG_ATTEMPTS) throw error;
    }
    sleep(POLL_MILLISECONDS);
  }
}

function withMember(members, host) {
  if (members.some((member) => member.host === host)) return members;
  return [...members, { _id: Math.max(...members.map((member) => member._id)) + 1, host }];
}

function waitUntilItFollows(db, host) {
  for (;;) {
    const members = db.adminCommand({ replSetGetStatus: 1 }).members;
    if (members.some((member) => member.name === host && ["PRIMARY", "SECONDARY"].includes(member.stateStr))) return;
    sleep(POLL_MILLISECONDS);
  }
}

function addMembers(db) {
  for (const host of wanted.members) {
    if (!hostsIn(configOf(db)).includes(host)) {
      reconfigure(db, (members) => withMember(members, host));
      print(`${host} became a member`);
    }
    waitUntilItFollows(db, host);
  }
}

// Only after all that are wanted hold the data. One that is wanted and silent stays: it comes back with what it has, and
// counts for the majority meanwhile.
function removeMembers(hosts) {
  let db = primaryOf(hosts);
  for (const host of hostsIn(configOf(db))) {
    if (wanted.members.includes(host) || wanted.silent.includes(host)) continue;
    if (hello(db).me === host) db = handedOver(db, host);
    reconfigure(db, (members) => members.filter((member) => member.host !== host));
    print(`${host} is no member any more`);
  }
  return db;
}

function handedOver(db, host) {
  try {
    db.adminCommand({ replSetStepDown: 120, secondaryCatchUpPeriodSecs: 60 });
  } catch (error) {
    if (error.code) throw error; // else the connection was closed, as it is by one that steps down
  }
  for (let poll = 0; poll < ELECTION_POLLS; poll += 1) {
    try {
      const next = primaryOf(wanted.members);
      if (hello(next).me !== host) {
        print(`${host} handed over to ${hello(next).me}`);
        return next;
      }
    } catch (error) {
      if (poll === ELECTION_POLLS - 1) throw error;
    }
    sleep(POLL_MILLISECONDS);
  }
  throw new Error(`${host} is to leave, and no other member took over`);
}

// As `use DATABASE; db.createUser(…)`: a user is known in the database of its first role, which apps name in their address.
function homeOf(name, user) {
  return user.roles.length > 0 ? user.roles[0].db : name;
}

function sorted(roles) {
  return JSON.stringify(roles.map((one) => `${one.db}/${one.role}`).sort());
}

function comesIn(name, home, password) {
  const db = connect(`mongodb://${encodeURIComponent(wanted.socket)}/admin?directConnection=true`);
  try {
    db.getSiblingDB(home).auth({ user: name, pwd: password });
    return true;
  } catch (error) {
    if (error.code !== AUTHENTICATION_FAILED) throw error;
    return false;
  }
}

function makeUser(db, there, name, user) {
  const home = homeOf(name, user);
  const found = there.find((one) => one.user === name && one.db === home);
  const told = { pwd: user.password, roles: user.roles, customData: { flstr: wanted.service } };
  if (!found) {
    db.getSiblingDB(home).runCommand({ createUser: name, ...told });
    print(`the user ${name} was made in ${home}`);
    return;
  }
  if (!isOurs(found)) throw new Error(`${home} has a user ${name} that flstr did not make: drop or rename it`);
  if (sorted(found.roles) !== sorted(user.roles) || !comesIn(name, home, user.password)) {
    db.getSiblingDB(home).runCommand({ updateUser: name, ...told });
    print(`the user ${name} was changed in ${home}`);
  }
}

function isOurs(user) {
  return user.customData !== undefined && user.customData.flstr !== undefined;
}

function arrangeUsers(db) {
  const there = db.adminCommand({ usersInfo: { forAllDBs: true } }).users;
  for (const [name, user] of Object.entries(wanted.users)) makeUser(db, there, name, user);
  for (const user of there) {
    const kept = wanted.users[user.user];
    if (!isOurs(user) || (kept && homeOf(user.user, kept) === user.db)) continue;
    db.getSiblingDB(user.db).runCommand({ dropUser: user.user });
    print(`the user ${user.user} was dropped from ${user.db}`);
  }
}

function arrange() {
  found();
  const hosts = waitForPrimary().hosts;
  makeAdmin(hosts);
  addMembers(primaryOf(hosts));
  arrangeUsers(removeMembers(hosts));
}

function state() {
  const told = hello(here());
  print(told.setName ? `in ${told.setName}` : "in no set");
}

function health() {
  const told = hello(here());
  if (!told.isWritablePrimary && !told.secondary) throw new Error("it neither takes writes nor follows");
  print("healthy");
}

// For one that was just started: it is a member again, or waits to become one.
function ready() {
  if (hello(here()).setName) health();
}

// All data of apps go; their users stay, which are kept in admin.
function empty() {
  const db = primaryOf(waitForPrimary().hosts);
  for (const { name } of db.adminCommand({ listDatabases: 1, nameOnly: true }).databases) {
    if (OWN_DATABASES.includes(name)) continue;
    db.getSiblingDB(name).runCommand({ dropDatabase: 1 });
    print(`the database ${name} was dropped`);
  }
}

try {
  ({ state, health, ready, arrange, empty })[process.env.FLSTR_DO]();
} catch (error) {
  print(`MongoDB: ${error.message}`);
  quit(1);
}
