/* SPDX-License-Identifier: MIT */
/*
 * Names, registers and operands of capstone as ours.
 */
#include "tests/capstone.h"

/* ---- what capstone calls our operations ---- */

static const struct name {
	enum insn_op op;
	u16 id;
} names[] = {
	{ INSN_TEST, X86_INS_TEST }, { INSN_XCHG, X86_INS_XCHG }, { INSN_MOV, X86_INS_MOV },
	{ INSN_MOV, X86_INS_MOVABS }, { INSN_MOV, X86_INS_MOVNTI }, { INSN_MOV_IMM, X86_INS_MOV },
	{ INSN_MOVS, X86_INS_MOVSB }, { INSN_MOVS, X86_INS_MOVSW }, { INSN_MOVS, X86_INS_MOVSD },
	{ INSN_MOVS, X86_INS_MOVSQ }, { INSN_STOS, X86_INS_STOSB }, { INSN_STOS, X86_INS_STOSW },
	{ INSN_STOS, X86_INS_STOSD }, { INSN_STOS, X86_INS_STOSQ }, { INSN_NOT, X86_INS_NOT },
	{ INSN_NEG, X86_INS_NEG }, { INSN_INC, X86_INS_INC }, { INSN_DEC, X86_INS_DEC },
	{ INSN_PUSH, X86_INS_PUSH }, { INSN_PUSH_IMM, X86_INS_PUSH }, { INSN_BT, X86_INS_BT },
	{ INSN_BTS, X86_INS_BTS }, { INSN_BTR, X86_INS_BTR }, { INSN_BTC, X86_INS_BTC },
	{ INSN_CMPXCHG, X86_INS_CMPXCHG }, { INSN_CMPXCHG8B, X86_INS_CMPXCHG8B },
	{ INSN_CMPXCHG8B, X86_INS_CMPXCHG16B }, { INSN_XADD, X86_INS_XADD },
	{ INSN_IN, X86_INS_IN }, { INSN_OUT, X86_INS_OUT }, { INSN_INS, X86_INS_INSB },
	{ INSN_INS, X86_INS_INSW }, { INSN_INS, X86_INS_INSD }, { INSN_OUTS, X86_INS_OUTSB },
	{ INSN_OUTS, X86_INS_OUTSW }, { INSN_OUTS, X86_INS_OUTSD }, { INSN_INT3, X86_INS_INT3 },
	{ INSN_INTN, X86_INS_INT }, { INSN_INTO, X86_INS_INTO }, { INSN_ICEBP, X86_INS_INT1 },
	{ INSN_HLT, X86_INS_HLT }, { INSN_SMSW, X86_INS_SMSW }, { INSN_LMSW, X86_INS_LMSW },
	{ INSN_INVLPG, X86_INS_INVLPG }, { INSN_CLTS, X86_INS_CLTS }, { INSN_INVD, X86_INS_INVD },
	{ INSN_WBINVD, X86_INS_WBINVD }, { INSN_MOV_FROM_CR, X86_INS_MOV },
	{ INSN_MOV_TO_CR, X86_INS_MOV }, { INSN_MOV_FROM_DR, X86_INS_MOV },
	{ INSN_MOV_TO_DR, X86_INS_MOV }, { INSN_WRMSR, X86_INS_WRMSR },
	{ INSN_RDMSR, X86_INS_RDMSR }, { INSN_RDTSC, X86_INS_RDTSC },
	{ INSN_RDTSCP, X86_INS_RDTSCP }, { INSN_RDPMC, X86_INS_RDPMC }, { INSN_RSM, X86_INS_RSM },
	{ INSN_CPUID, X86_INS_CPUID }, { INSN_MONITOR, X86_INS_MONITOR },
	{ INSN_MWAIT, X86_INS_MWAIT }, { INSN_XSETBV, X86_INS_XSETBV },
	{ INSN_VMRUN, X86_INS_VMRUN }, { INSN_VMMCALL, X86_INS_VMMCALL },
	{ INSN_VMLOAD, X86_INS_VMLOAD }, { INSN_VMSAVE, X86_INS_VMSAVE },
	{ INSN_STGI, X86_INS_STGI }, { INSN_CLGI, X86_INS_CLGI },
	{ INSN_IMUL, X86_INS_IMUL }, { INSN_CMPS, X86_INS_CMPSB }, { INSN_CMPS, X86_INS_CMPSW },
	{ INSN_CMPS, X86_INS_CMPSD }, { INSN_CMPS, X86_INS_CMPSQ }, { INSN_SCAS, X86_INS_SCASB },
	{ INSN_SCAS, X86_INS_SCASW }, { INSN_SCAS, X86_INS_SCASD }, { INSN_SCAS, X86_INS_SCASQ },
	{ INSN_LTR, X86_INS_LTR }, { INSN_SHLD, X86_INS_SHLD }, { INSN_SHRD, X86_INS_SHRD },
	{ INSN_MOVZX, X86_INS_MOVZX }, { INSN_MOVSX, X86_INS_MOVSX },
	{ INSN_BSF, X86_INS_BSF }, { INSN_BSR, X86_INS_BSR },
	{ INSN_MOV_XMM, X86_INS_MOVUPS }, { INSN_MOV_XMM, X86_INS_MOVUPD },
	{ INSN_MOV_XMM, X86_INS_MOVAPS }, { INSN_MOV_XMM, X86_INS_MOVAPD },
	{ INSN_MOV_XMM, X86_INS_MOVDQU }, { INSN_MOV_XMM, X86_INS_MOVDQA },
	{ INSN_SKINIT, X86_INS_SKINIT }, { INSN_INVLPGA, X86_INS_INVLPGA },
};

static const u16 alu_ids[] = { X86_INS_ADD, X86_INS_OR,  X86_INS_ADC, X86_INS_SBB,
			       X86_INS_AND, X86_INS_SUB, X86_INS_XOR, X86_INS_CMP };

static bool names_agree(const struct insn *i, unsigned id)
{
	if (i->op == INSN_ALU)
		return id == alu_ids[i->opcode >> 3 & 7];
	if (i->op == INSN_ALU_IMM)
		return id == alu_ids[i->reg & 7];
	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
		if (names[k].op == i->op && names[k].id == id)
			return true;
	}
	return false;
}

bool capstone_names_ours(unsigned id)
{
	for (size_t k = 0; k < sizeof(alu_ids) / sizeof(*alu_ids); k++) {
		if (alu_ids[k] == id)
			return true;
	}
	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
		if (names[k].id == id)
			return true;
	}
	return false;
}

/* ---- registers ---- */

/* capstone's register as number and size in bytes; false: none of ours. */
static bool find_reg(x86_reg reg, unsigned *number, unsigned *size)
{
	static const x86_reg regs[5][16] = {
		{ X86_REG_AL, X86_REG_CL, X86_REG_DL, X86_REG_BL, X86_REG_SPL, X86_REG_BPL,
		  X86_REG_SIL, X86_REG_DIL, X86_REG_R8B, X86_REG_R9B, X86_REG_R10B, X86_REG_R11B,
		  X86_REG_R12B, X86_REG_R13B, X86_REG_R14B, X86_REG_R15B },
		{ X86_REG_AX, X86_REG_CX, X86_REG_DX, X86_REG_BX, X86_REG_SP, X86_REG_BP,
		  X86_REG_SI, X86_REG_DI, X86_REG_R8W, X86_REG_R9W, X86_REG_R10W, X86_REG_R11W,
		  X86_REG_R12W, X86_REG_R13W, X86_REG_R14W, X86_REG_R15W },
		{ X86_REG_EAX, X86_REG_ECX, X86_REG_EDX, X86_REG_EBX, X86_REG_ESP, X86_REG_EBP,
		  X86_REG_ESI, X86_REG_EDI, X86_REG_R8D, X86_REG_R9D, X86_REG_R10D, X86_REG_R11D,
		  X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D },
		{ X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX, X86_REG_RSP, X86_REG_RBP,
		  X86_REG_RSI, X86_REG_RDI, X86_REG_R8, X86_REG_R9, X86_REG_R10, X86_REG_R11,
		  X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15 },
		{ 0, 0, 0, 0, X86_REG_AH, X86_REG_CH, X86_REG_DH, X86_REG_BH },
	};

	for (unsigned row = 0; row < 5; row++) {
		for (unsigned k = 0; k < 16; k++) {
			if (regs[row][k] == reg && reg) {
				*number = k;
				*size = row == 4 ? 1 : 1 << row;
				return true;
			}
		}
	}
	return false;
}

/* AH and SPL have the same number: which of them it is. */
static bool is_high(x86_reg reg)
{
	return reg == X86_REG_AH || reg == X86_REG_CH || reg == X86_REG_DH || reg == X86_REG_BH;
}

static bool address_reg_agrees(x86_reg reg, u8 ours, unsigned addr_size)
{
	unsigned number, size;

	if (reg == X86_REG_INVALID || reg == X86_REG_EIZ || reg == X86_REG_RIZ)
		return ours == INSN_NO_REG;
	if (reg == X86_REG_RIP || reg == X86_REG_EIP)
		return ours == INSN_REG_RIP;
	return find_reg(reg, &number, &size) && number == ours && size == addr_size;
}

/* ---- comparing ---- */

static u64 cut(u64 value, unsigned bytes)
{
	return bytes >= 8 ? value : value & ((1ull << 8 * bytes) - 1);
}

static unsigned segment_number(x86_reg reg)
{
	static const x86_reg regs[] = { X86_REG_ES, X86_REG_CS, X86_REG_SS,
					X86_REG_DS, X86_REG_FS, X86_REG_GS };

	for (unsigned k = 0; k < 6; k++) {
		if (regs[k] == reg)
			return k;
	}
	return INSN_NO_REG;
}

static bool segment_agrees(const struct insn *i, const cs_x86_op *mem, enum insn_mode mode)
{
	unsigned seg = segment_number(mem->mem.segment);

	if (seg == INSN_NO_REG || (mode == INSN_MODE64 && seg < SEG_FS)) /* none that counts */
		seg = i->base == RSP || i->base == RBP ? SEG_SS : SEG_DS;
	return seg == i->seg;
}

static const char *compare_memory(const struct insn *i, const cs_x86_op *mem, enum insn_mode mode)
{
	unsigned size = i->op != INSN_CMPXCHG8B ? i->size : i->size == 8 ? 16 : 8;

	if (!address_reg_agrees(mem->mem.base, i->base, i->addr_size))
		return "base";
	if (!address_reg_agrees(mem->mem.index, i->index, i->addr_size))
		return "index";
	if (i->index != INSN_NO_REG && mem->mem.scale != i->scale)
		return "scale";
	if (cut((u64)mem->mem.disp, i->addr_size) != cut(i->disp, i->addr_size))
		return "displacement";
	if (!segment_agrees(i, mem, mode))
		return "segment";
	if (i->op == INSN_INVLPG || i->op == INSN_SMSW || i->op == INSN_LMSW || i->op == INSN_LTR ||
	    i->op == INSN_MOVZX || i->op == INSN_MOVSX)
		return NULL; /* not of the operand's size */
	return mem->size == size ? NULL : "size";
}

static const char *compare_string(const struct insn *i, const cs_insn *ci, enum insn_mode mode)
{
	for (unsigned k = 0; k < ci->detail->x86.op_count; k++) {
		const cs_x86_op *op = &ci->detail->x86.operands[k];
		unsigned number, size;

		if (op->type != X86_OP_MEM)
			continue;
		if (op->size != i->size)
			return "size";
		if (!find_reg(op->mem.base, &number, &size) || size != i->addr_size)
			return "address size";
		if (number == RSI && !segment_agrees(i, op, mode))
			return "segment";
		if (number != RSI && number != RDI)
			return "base";
	}
	return NULL;
}

static bool has_digit(const struct insn *i)
{
	switch (i->op) {
	case INSN_ALU_IMM:
	case INSN_MOV_IMM:
	case INSN_NOT:
	case INSN_NEG:
	case INSN_INC:
	case INSN_DEC:
	case INSN_PUSH:
	case INSN_CMPXCHG8B:
	case INSN_SMSW:
	case INSN_LMSW:
	case INSN_INVLPG:
	case INSN_LTR:
		return true;
	default:
		return i->opcode == 0xba;
	}
}

/* Every register operand is ModRM's reg or rm, and no register is missing. */
static const char *compare_registers(const struct insn *i, const cs_insn *ci)
{
	bool need_reg = !has_digit(i), need_rm = !i->mem;
	unsigned number, size;

	for (unsigned k = 0; k < ci->detail->x86.op_count; k++) {
		const cs_x86_op *op = &ci->detail->x86.operands[k];
		bool first = k == 0, is_reg;

		if (op->type != X86_OP_REG)
			continue;
		if (!find_reg(op->reg, &number, &size) || size != i->size)
			return "register size";
		if (size == 1 && number >= 4 && number < 8 && is_high(op->reg) == i->rex)
			return "high byte register";
		is_reg = i->op == INSN_XCHG ? number == i->reg : first == i->to_reg;
		if (is_reg && need_reg)
			need_reg = number != i->reg;
		else if (need_rm)
			need_rm = number != i->rm;
		else
			return "registers";
	}
	return need_reg || need_rm ? "register" : NULL;
}


const cs_x86_op *capstone_operand(const cs_insn *ci, x86_op_type type)
{
	for (unsigned k = 0; k < ci->detail->x86.op_count; k++) {
		if (ci->detail->x86.operands[k].type == type)
			return &ci->detail->x86.operands[k];
	}
	return NULL;
}

/* NULL if they agree, else what they disagree about. */
const char *capstone_compare(const struct insn *i, const cs_insn *ci, enum insn_mode mode)
{
	const cs_x86_op *mem = capstone_operand(ci, X86_OP_MEM), *imm = capstone_operand(ci, X86_OP_IMM);
	const char *what;

	if (!names_agree(i, ci->id))
		return "operation";
	if (ci->detail->x86.addr_size != i->addr_size)
		return "address size";
	if (i->op == INSN_MOVS || i->op == INSN_STOS || i->op == INSN_INS || i->op == INSN_OUTS ||
	    i->op == INSN_CMPS || i->op == INSN_SCAS)
		return compare_string(i, ci, mode);
	if (i->mem != !!mem)
		return "memory or register";
	what = mem ? compare_memory(i, mem, mode) : NULL;
	if (what)
		return what;
	if (imm && cut((u64)imm->imm, i->size) != cut(i->imm, i->size))
		return "immediate";
	return i->op <= INSN_XADD && i->op != INSN_PUSH_IMM ? compare_registers(i, ci) : NULL;
}
