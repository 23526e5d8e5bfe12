//! What a CRC becomes when more bytes follow.
//!
//! A CRC is a polynomial over GF(2) modulo that of its algorithm, and each zero bit behind the data multiplies it by x.
//! So a checksum is moved over `len` bytes by one product with x^(8 len), made of powers that are known beforehand.
//! Values are reflected: the highest bit stands for x^0.

pub(super) static CRC32C: Shift = Shift::new(32, 0x82f6_3b78);
pub(super) static CRC32: Shift = Shift::new(32, 0xedb8_8320);
pub(super) static CRC64_NVME: Shift = Shift::new(64, 0x9a6c_9329_ac4b_c9b5);

/// Moves the checksums of one algorithm.
pub(super) struct Shift {
    width: u32,
    /// Without its highest power.
    polynomial: u64,
    /// At `k`, the factor for 2^k bytes.
    powers: [u64; 64],
}

impl Shift {
    const fn new(width: u32, polynomial: u64) -> Self {
        let mut shift = Shift {
            width,
            polynomial,
            powers: [0; 64],
        };
        // x^8, and then the square of the one before.
        let mut power = 1 << (width - 1 - 8);
        let mut bit = 0;
        while bit < shift.powers.len() {
            shift.powers[bit] = power;
            power = shift.product(power, power);
            bit += 1;
        }
        shift
    }

    const fn product(&self, a: u64, mut b: u64) -> u64 {
        let mut product = 0;
        let mut bit = self.width;
        while bit > 0 {
            bit -= 1;
            // Without branches: the bits are as good as random.
            product ^= b & (a >> bit & 1).wrapping_neg();
            b = b >> 1 ^ self.polynomial & (b & 1).wrapping_neg();
        }
        product
    }

    /// What `value` becomes over `len` zero bytes, before they count themselves.
    pub(super) fn over(&self, value: u64, len: u64) -> u64 {
        let mut left = len;
        let mut value = value;
        while left > 0 {
            value = self.product(self.powers[left.trailing_zeros() as usize], value);
            left &= left - 1;
        }
        value
    }
}
