// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the policies let through is what the specification says, attribute by
 * attribute: lengths and values just inside and just outside. Not by sending
 * messages: this reaches each table alone.
 */
#include <net/genetlink.h>

#include "../../kernel/netlink.h"
#include "kunit.h"

enum spec_kind {
	KIND_U8,
	KIND_U16,
	KIND_U32,
	KIND_U64,
	KIND_FLAG,
	KIND_NEST,
	KIND_BINARY,
	KIND_STRING,
	KIND_PAD,
};

struct spec_attribute {
	const char *set;
	const char *name;
	int type;
	enum spec_kind kind;
	u64 min;
	u64 max;		/* 0: what the kind can hold */
	const char *nested;
};

struct spec_operation {
	u8 cmd;
	const char *desc;
	const char *request;	/* attributes, each between two spaces */
};

#include "spec.h"

struct policy {
	const struct nla_policy *table;
	int max;
};

struct one_attribute {
	struct nlattr nla;
	u8 data[32];
};

/* Would a request with only this attribute pass? A refusal blames it. */
static bool policy_accepts(struct kunit *test, const struct policy *p, int type,
			   const void *data, int len)
{
	struct one_attribute a = {
		.nla.nla_type = type,
		.nla.nla_len = NLA_HDRLEN + len,
	};
	struct netlink_ext_ack extack = {};
	int err;

	memcpy(a.data, data, len);
	err = nla_validate(&a.nla, NLA_ALIGN(a.nla.nla_len), p->max, p->table,
			   &extack);
	if (err)
		KUNIT_EXPECT_PTR_EQ(test, extack.bad_attr,
				    (const struct nlattr *)&a.nla);
	return !err;
}

static int kind_size(enum spec_kind kind)
{
	switch (kind) {
	case KIND_U8:
	case KIND_U16:
	case KIND_U32:
	case KIND_U64:
		return 1 << kind;
	default:
		return 0;
	}
}

static bool policy_accepts_value(struct kunit *test, const struct policy *p,
				 const struct spec_attribute *a, u64 value)
{
	u8 data[8];

	switch (a->kind) {
	case KIND_U8:
		*data = value;
		break;
	case KIND_U16:
		put_unaligned((u16)value, (u16 *)data);
		break;
	case KIND_U32:
		put_unaligned((u32)value, (u32 *)data);
		break;
	default:
		put_unaligned(value, (u64 *)data);
	}
	return policy_accepts(test, p, a->type, data, kind_size(a->kind));
}

static const u8 ones[32] = { [0 ... 31] = 1 };

#define EXPECT_ACCEPTED(test, a, call, what) \
	KUNIT_EXPECT_TRUE_MSG(test, call, "%s %s: refuses " what, (a)->set, \
			      (a)->name)
#define EXPECT_REFUSED(test, a, call, what) \
	KUNIT_EXPECT_FALSE_MSG(test, call, "%s %s: accepts " what, (a)->set, \
			       (a)->name)

static void policy_expect_number(struct kunit *test, const struct policy *p,
				 const struct spec_attribute *a)
{
	const int size = kind_size(a->kind);
	const u64 top = size == 8 ? U64_MAX : (1ULL << 8 * size) - 1;
	const u64 max = a->max ?: top;

	EXPECT_ACCEPTED(test, a, policy_accepts_value(test, p, a, a->min), "its least");
	EXPECT_ACCEPTED(test, a, policy_accepts_value(test, p, a, max), "its most");
	if (a->min)
		EXPECT_REFUSED(test, a, policy_accepts_value(test, p, a, a->min - 1),
			       "less than its least");
	if (max < top) {
		EXPECT_REFUSED(test, a, policy_accepts_value(test, p, a, max + 1),
			       "more than its most");
		EXPECT_REFUSED(test, a, policy_accepts_value(test, p, a, top),
			       "far more than its most");
	}
	EXPECT_REFUSED(test, a, policy_accepts(test, p, a->type, ones, 0), "no bytes");
	EXPECT_REFUSED(test, a, policy_accepts(test, p, a->type, ones, size - 1),
		       "a byte less");
	EXPECT_REFUSED(test, a, policy_accepts(test, p, a->type, ones, size + 1),
		       "a byte more");
}

static void policy_expect_binary(struct kunit *test, const struct policy *p,
				 const struct spec_attribute *a)
{
	EXPECT_ACCEPTED(test, a, policy_accepts(test, p, a->type, ones, a->min),
			"its least length");
	EXPECT_ACCEPTED(test, a, policy_accepts(test, p, a->type, ones, a->max),
			"its most length");
	if (a->min)
		EXPECT_REFUSED(test, a,
			       policy_accepts(test, p, a->type, ones, a->min - 1),
			       "a byte less");
	EXPECT_REFUSED(test, a, policy_accepts(test, p, a->type, ones, a->max + 1),
		       "a byte more");
}

static void policy_expect_nest(struct kunit *test, const struct policy *p,
			       const struct spec_attribute *a)
{
	const struct nlattr unknown = {
		.nla_type = 0x123,
		.nla_len = NLA_HDRLEN,
	};
	struct netlink_ext_ack extack = {};
	struct {
		struct nlattr nest;
		struct nlattr inner;
	} nested = {
		.nest.nla_type = a->type | NLA_F_NESTED,
		.nest.nla_len = sizeof(nested),
		.inner = unknown,
	};

	EXPECT_ACCEPTED(test, a, policy_accepts(test, p, a->type | NLA_F_NESTED,
						ones, 0), "the nest");
	EXPECT_REFUSED(test, a, policy_accepts(test, p, a->type, &unknown,
					       NLA_HDRLEN),
		       "a nest without NLA_F_NESTED");
	EXPECT_REFUSED(test, a, !nla_validate(&nested.nest, sizeof(nested),
					      p->max, p->table, &extack),
		       "an unknown attribute within");
	KUNIT_EXPECT_PTR_EQ(test, extack.bad_attr,
			    (const struct nlattr *)&nested.inner);
}

static void policy_expect(struct kunit *test, const struct policy *p,
			  const struct spec_attribute *a)
{
	switch (a->kind) {
	case KIND_U8:
	case KIND_U16:
	case KIND_U32:
	case KIND_U64:
		policy_expect_number(test, p, a);
		break;
	case KIND_FLAG:
		EXPECT_ACCEPTED(test, a, policy_accepts(test, p, a->type, ones, 0),
				"the flag");
		EXPECT_REFUSED(test, a, policy_accepts(test, p, a->type, ones, 1),
			       "a byte more");
		break;
	case KIND_NEST:
		policy_expect_nest(test, p, a);
		break;
	case KIND_BINARY:
		policy_expect_binary(test, p, a);
		break;
	default:
		KUNIT_FAIL(test, "%s %s: no request carries that kind", a->set,
			   a->name);
	}
}

/* Whatever it is said to be: it isn't for requests. */
static void policy_expect_refused(struct kunit *test, const struct policy *p,
				  const struct spec_attribute *a)
{
	int len;

	for (len = 0; len <= 8; len++)
		EXPECT_REFUSED(test, a, policy_accepts(test, p, a->type, ones, len),
			       "what only replies have");
	EXPECT_REFUSED(test, a, policy_accepts(test, p, a->type | NLA_F_NESTED,
					       ones, 0),
		       "what only replies have");
}

/* The set's own numbers, and those beyond it. */
static void policy_expect_unknown(struct kunit *test, const struct policy *p,
				  int max)
{
	const int unknown[] = { 0, max + 1, max + 2, 0x3fff };
	int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		KUNIT_EXPECT_FALSE_MSG(test,
				       policy_accepts(test, p, unknown[i], ones, 4),
				       "accepts unknown attribute %d", unknown[i]);
}

static const struct genl_ops *netlink_op(u8 cmd)
{
	int i;

	for (i = 0; i < mip4_nl_family.n_ops; i++) {
		if (mip4_nl_family.ops[i].cmd == cmd)
			return &mip4_nl_family.ops[i];
	}
	return NULL;
}

static struct policy netlink_nested(const struct policy *p, int type)
{
	return (struct policy) {
		.table = p->table[type].nested_policy,
		.max = p->table[type].len,
	};
}

static bool spec_in_request(const struct spec_operation *op,
			    const struct spec_attribute *a)
{
	char name[32];

	snprintf(name, sizeof(name), " %s ", a->name);
	return strstr(op->request, name);
}

MIP4_KT_PARAMS(operation, spec_operations)

static void netlink_test_operation(struct kunit *test)
{
	const struct spec_operation *o = test->param_value;
	const struct genl_ops *op = netlink_op(o->cmd);
	struct policy p;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, op);
	KUNIT_EXPECT_EQ(test, op->validate, 0);
	p = (struct policy) { .table = op->policy, .max = op->maxattr };
	KUNIT_ASSERT_NOT_NULL(test, p.table);
	for (i = 0; i < ARRAY_SIZE(spec_attributes); i++) {
		const struct spec_attribute *a = &spec_attributes[i];

		if (strcmp(a->set, "mip4"))
			continue;
		if (spec_in_request(o, a))
			policy_expect(test, &p, a);
		else
			policy_expect_refused(test, &p, a);
	}
	policy_expect_unknown(test, &p, MIP4_A_MAX);
}

/* All that the kernel offers is in the spec; changes need a capability. */
static void netlink_test_operations(struct kunit *test)
{
	int i, n;

	KUNIT_EXPECT_EQ(test, mip4_nl_family.n_ops, ARRAY_SIZE(spec_operations));
	for (i = 0; i < mip4_nl_family.n_ops; i++) {
		const struct genl_ops *op = &mip4_nl_family.ops[i];
		bool changes = op->cmd == MIP4_CMD_PORT_SET;

		for (n = MIP4_CMD_BINDING_NEW; n <= MIP4_CMD_BINDING_DEL; n++)
			changes |= op->cmd == n;
		changes |= op->cmd == MIP4_CMD_BINDING_FLUSH;
		changes |= op->cmd == MIP4_CMD_SOCKET_SET;
		KUNIT_EXPECT_EQ_MSG(test, !!(op->flags & GENL_UNS_ADMIN_PERM),
				    changes, "command %d", op->cmd);
	}
}

struct set_case {
	const char *desc;	/* name of the set, and of the set of its numbers */
	const char *numbers;
	int max;
	const char *only;	/* if not NULL: the one that appears in this set */
};

static const struct set_case set_cases[] = {
	{ "binding", "binding", MIP4_BINDING_A_MAX },
	{ "addrs", "binding", MIP4_BINDING_A_MAX, "addr" },
	{ "addr", "addr", MIP4_ADDR_A_MAX },
	{ "legs", "binding", MIP4_BINDING_A_MAX, "leg" },
	{ "leg", "leg", MIP4_LEG_A_MAX },
	{ "port", "port", MIP4_PORT_A_MAX },
};

MIP4_KT_PARAMS(set, set_cases)

/* By its documentation; the spec has no word for it that machines read. */
static const char * const reply_only[] = {
	"binding addr", "binding leg", "binding stats", "port bindings",
	"port held", "port unknown-frames",
};

static bool set_wants(const struct set_case *c, const struct spec_attribute *a)
{
	char name[64];
	int i;

	if (c->only)
		return !strcmp(a->name, c->only);
	snprintf(name, sizeof(name), "%s %s", a->set, a->name);
	for (i = 0; i < ARRAY_SIZE(reply_only); i++) {
		if (!strcmp(name, reply_only[i]))
			return false;
	}
	return a->kind != KIND_PAD;
}

static struct policy set_policy(const struct set_case *c)
{
	const struct genl_ops *op = netlink_op(MIP4_CMD_BINDING_NEW);
	struct policy p = { .table = op->policy, .max = op->maxattr };

	if (!strcmp(c->desc, "port")) {
		p.table = netlink_op(MIP4_CMD_PORT_SET)->policy;
		return netlink_nested(&p, MIP4_A_PORT);
	}
	p = netlink_nested(&p, MIP4_A_BINDING);
	if (!strncmp(c->desc, "addr", 4))
		p = netlink_nested(&p, MIP4_BINDING_A_ADDRS);
	if (!strncmp(c->desc, "leg", 3))
		p = netlink_nested(&p, MIP4_BINDING_A_LEGS);
	if (!strcmp(c->desc, "addr"))
		p = netlink_nested(&p, MIP4_BINDING_A_ADDR);
	if (!strcmp(c->desc, "leg"))
		p = netlink_nested(&p, MIP4_BINDING_A_LEG);
	return p;
}

static void netlink_test_set(struct kunit *test)
{
	const struct set_case *c = test->param_value;
	const struct policy p = set_policy(c);
	int i, n = 0;

	KUNIT_ASSERT_NOT_NULL(test, p.table);
	for (i = 0; i < ARRAY_SIZE(spec_attributes); i++) {
		const struct spec_attribute *a = &spec_attributes[i];

		if (strcmp(a->set, c->numbers))
			continue;
		n++;
		if (set_wants(c, a))
			policy_expect(test, &p, a);
		else
			policy_expect_refused(test, &p, a);
	}
	KUNIT_EXPECT_EQ(test, n, c->max);
	policy_expect_unknown(test, &p, c->max);
}

/* Links come by rtnetlink, which has no spec here and lets longer values in. */
struct link_case {
	const char *desc;
	int type;
	u8 size;
	u32 min;
	u32 max;
};

static const struct link_case link_cases[] = {
	{ "local", IFLA_MIP4_LOCAL, 4, 0, U32_MAX },
	{ "encap", IFLA_MIP4_ENCAP, 1, 1, 4 },
	{ "ttl", IFLA_MIP4_TTL, 1, 0, 255 },
	{ "tos", IFLA_MIP4_TOS, 1, 0, 255 },
	{ "link", IFLA_MIP4_LINK, 4, 0, U32_MAX },
	{ "realm", IFLA_MIP4_REALM, 4, 0, U32_MAX },
	{ "limit", IFLA_MIP4_LIMIT, 4, 0, U32_MAX },
	{ "arp", IFLA_MIP4_ARP, 1, 0, 2 },
	{ "mss", IFLA_MIP4_MSS, 1, 0, 1 },
	{ "gwmac", IFLA_MIP4_GWMAC, 6 },
	{ "grace", IFLA_MIP4_GRACE, 4, 0, U32_MAX },
	{ "orphan", IFLA_MIP4_ORPHAN, 1, 0, 1 },
	{ "multicast", IFLA_MIP4_MULTICAST, 1, 0, 2 },
	/* in replies only */
	{ "udp-port", IFLA_MIP4_UDP_PORT },
};

MIP4_KT_PARAMS(link, link_cases)

static int link_validate(const struct link_case *c, u32 value, int len)
{
	struct one_attribute a = {
		.nla.nla_type = c->type,
		.nla.nla_len = NLA_HDRLEN + len,
	};

	if (c->size == 1)
		a.data[0] = value;
	else
		memcpy(a.data, &value, sizeof(value));
	return nla_validate_deprecated(&a.nla, NLA_ALIGN(a.nla.nla_len),
				       mip4_link_ops.maxtype,
				       mip4_link_ops.policy, NULL);
}

static void netlink_test_link(struct kunit *test)
{
	const struct link_case *c = test->param_value;

	BUILD_BUG_ON(ARRAY_SIZE(link_cases) != IFLA_MIP4_MAX);
	if (!c->size) {
		KUNIT_EXPECT_NE(test, link_validate(c, 0, 2), 0);
		return;
	}
	KUNIT_EXPECT_NE(test, link_validate(c, c->min, c->size - 1), 0);
	KUNIT_EXPECT_EQ(test, link_validate(c, c->min, c->size), 0);
	if (c->size == ETH_ALEN) {
		KUNIT_EXPECT_NE(test, link_validate(c, 0, ETH_ALEN + 1), 0);
		return;
	}
	KUNIT_EXPECT_EQ(test, link_validate(c, c->max, c->size), 0);
	if (c->min)
		KUNIT_EXPECT_NE(test, link_validate(c, c->min - 1, c->size), 0);
	if (c->size == 1 && c->max < 255) {
		KUNIT_EXPECT_NE(test, link_validate(c, c->max + 1, c->size), 0);
		KUNIT_EXPECT_NE(test, link_validate(c, 255, c->size), 0);
	}
}

struct check_case {
	const char *desc;
	int type;
	u8 data[ETH_ALEN];
	bool ok;
};

static const struct check_case check_cases[] = {
	{ "local 0.0.0.0", IFLA_MIP4_LOCAL, { 0 } },
	{ "local 192.0.2.1", IFLA_MIP4_LOCAL, { 192, 0, 2, 1 }, true },
	{ "local 126.255.255.255", IFLA_MIP4_LOCAL, { 126, 255, 255, 255 }, true },
	{ "local 127.0.0.0", IFLA_MIP4_LOCAL, { 127, 0, 0, 0 } },
	{ "local 127.255.255.255", IFLA_MIP4_LOCAL, { 127, 255, 255, 255 } },
	{ "local 128.0.0.0", IFLA_MIP4_LOCAL, { 128, 0, 0, 0 }, true },
	{ "local 223.255.255.255", IFLA_MIP4_LOCAL, { 223, 255, 255, 255 }, true },
	{ "local 224.0.0.0", IFLA_MIP4_LOCAL, { 224, 0, 0, 0 } },
	{ "local 239.255.255.255", IFLA_MIP4_LOCAL, { 239, 255, 255, 255 } },
	{ "local 255.255.255.255", IFLA_MIP4_LOCAL, { 255, 255, 255, 255 } },
	{ "gwmac zero", IFLA_MIP4_GWMAC, { 0 } },
	{ "gwmac multicast", IFLA_MIP4_GWMAC, { 3, 0, 0, 0, 0, 1 } },
	{ "gwmac unicast", IFLA_MIP4_GWMAC, { 2, 0, 0, 0, 0, 1 }, true },
	{ "tos 0", IFLA_MIP4_TOS, { 0 }, true },
	{ "tos inherit", IFLA_MIP4_TOS, { 1 }, true },
	{ "tos ECT(0)", IFLA_MIP4_TOS, { 2 } },
	{ "tos CE", IFLA_MIP4_TOS, { 3 } },
	{ "tos 4", IFLA_MIP4_TOS, { 4 }, true },
	{ "tos 5", IFLA_MIP4_TOS, { 5 } },
	{ "tos 0xfc", IFLA_MIP4_TOS, { 0xfc }, true },
};

MIP4_KT_PARAMS(check, check_cases)

static void netlink_test_link_check(struct kunit *test)
{
	const struct check_case *c = test->param_value;
	struct nlattr *data[IFLA_MIP4_MAX + 1] = {};
	struct netlink_ext_ack extack = {};
	struct one_attribute a = {
		.nla.nla_type = c->type,
		.nla.nla_len = NLA_HDRLEN + ETH_ALEN,
	};

	memcpy(a.data, c->data, sizeof(c->data));
	data[c->type] = &a.nla;
	KUNIT_EXPECT_EQ(test, mip4_link_ops.validate(NULL, data, &extack),
			c->ok ? 0 : -EINVAL);
	KUNIT_EXPECT_PTR_EQ(test, extack.bad_attr,
			    c->ok ? NULL : (const struct nlattr *)&a.nla);
	KUNIT_EXPECT_EQ(test, !extack._msg, c->ok);
}

/* A filter names realm, port and a leg's peer, and nothing else. */
struct filter_case {
	const char *desc;
	int type;		/* of a u32 in the BINDING nest, 0: none */
	int leg;		/* likewise in a leg */
	u32 value;
	int legs;
	int err;
};

static const struct filter_case filter_cases[] = {
	{ "empty" },
	{ "realm 0", MIP4_BINDING_A_REALM },
	{ "realm 7", MIP4_BINDING_A_REALM, .value = 7 },
	{ "port 7", MIP4_BINDING_A_PORT, .value = 7 },
	{ "port 0", MIP4_BINDING_A_PORT, .err = -ERANGE },
	{ "id", MIP4_BINDING_A_ID, .value = 7, .err = -EOPNOTSUPP },
	{ "gateway", MIP4_BINDING_A_GATEWAY, .value = 7, .err = -EOPNOTSUPP },
	{ "lifetime", MIP4_BINDING_A_LIFETIME, .value = 7, .err = -EOPNOTSUPP },
	{ "a leg's peer", 0, MIP4_LEG_A_PEER, 7, 1 },
	{ "a leg's peer 0", 0, MIP4_LEG_A_PEER, 0, 1, -EINVAL },
	{ "a leg's local", 0, MIP4_LEG_A_LOCAL, 7, 1, -EOPNOTSUPP },
	{ "a leg's key", 0, MIP4_LEG_A_IKEY, 7, 1, -EOPNOTSUPP },
	{ "a leg of nothing", 0, 0, 0, 1, -EINVAL },
	{ "two legs", 0, MIP4_LEG_A_PEER, 7, 2, -EOPNOTSUPP },
	{ "no leg in the list", 0, 0, 0, -1, -EINVAL },
};

MIP4_KT_PARAMS(filter, filter_cases)

static void netlink_test_filter(struct kunit *test)
{
	const struct filter_case *c = test->param_value;
	struct mip4_binding_filter filter = { .realm = 99, .port = 99 };
	struct sk_buff *msg = nlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	struct nlattr *nest, *list, *leg;
	struct netlink_ext_ack extack = {};
	int i, err;

	KUNIT_ASSERT_NOT_NULL(test, msg);
	nest = nla_nest_start(msg, MIP4_A_BINDING);
	if (c->type)
		nla_put_u32(msg, c->type, c->value);
	if (c->legs) {
		list = nla_nest_start(msg, MIP4_BINDING_A_LEGS);
		for (i = 0; i < c->legs; i++) {
			leg = nla_nest_start(msg, MIP4_BINDING_A_LEG);
			if (c->leg)
				nla_put_u32(msg, c->leg, c->value);
			nla_nest_end(msg, leg);
		}
		nla_nest_end(msg, list);
	}
	nla_nest_end(msg, nest);

	err = mip4_nl_parse_filter(nest, &filter, &extack);
	KUNIT_EXPECT_EQ(test, err, c->err);
	if (err) {
		KUNIT_EXPECT_NOT_NULL(test, extack._msg);
		KUNIT_EXPECT_NOT_NULL(test, extack.bad_attr);
	} else {
		KUNIT_EXPECT_EQ(test, filter.by_realm,
				c->type == MIP4_BINDING_A_REALM);
		KUNIT_EXPECT_EQ(test, filter.realm,
				c->type == MIP4_BINDING_A_REALM ? c->value : 0);
		KUNIT_EXPECT_EQ(test, filter.port,
				c->type == MIP4_BINDING_A_PORT ? c->value : 0);
		KUNIT_EXPECT_EQ(test, filter.peer,
				(__force __be32)(c->leg ? c->value : 0));
	}
	nlmsg_free(msg);
}

static struct kunit_case netlink_tests[] = {
	MIP4_KT_CASES(netlink_test_operation, operation),
	KUNIT_CASE(netlink_test_operations),
	MIP4_KT_CASES(netlink_test_set, set),
	MIP4_KT_CASES(netlink_test_link, link),
	MIP4_KT_CASES(netlink_test_link_check, check),
	MIP4_KT_CASES(netlink_test_filter, filter),
	{}
};

static struct kunit_suite netlink_suite = {
	.name		= "mip4-netlink",
	.test_cases	= netlink_tests,
};

kunit_test_suite(netlink_suite);
