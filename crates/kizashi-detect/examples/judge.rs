#![allow(warnings, clippy::all)]
use kizashi_detect::gamma_poisson::*;
use std::fs;
struct R(u64);
impl R {
    fn n(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn u(&mut self) -> f64 {
        ((self.n() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
    fn g(&mut self) -> f64 {
        (-2.0 * self.u().ln()).sqrt() * (std::f64::consts::TAU * self.u()).cos()
    }
    fn p(&mut self, m: f64) -> u32 {
        if m > 50.0 {
            return (m + m.sqrt() * self.g()).round().max(0.0) as u32;
        };
        let l = (-m).exp();
        let mut q = self.u();
        let mut k = 0;
        while q > l {
            q *= self.u();
            k += 1
        }
        k
    }
}
fn num(s: &str, k: &str) -> f64 {
    let i = s.find(&format!("\"{k}\": ")).unwrap() + k.len() + 4;
    let e = s[i..].find(|c| c == ',' || c == '}').unwrap();
    s[i..i + e].trim().parse().unwrap_or(f64::NAN)
}
struct C {
    p: usize,
    on: usize,
    end: usize,
    early: bool,
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (lo, hi) = (a[1].parse::<u64>().unwrap(), a[2].parse::<u64>().unwrap());
    let mode = a[3].as_str();
    let fa: f64 = a.get(4).map_or(1.0, |x| x.parse().unwrap());
    let (mut fe, mut fl) = (0, 0);
    let (mut de, mut dl) = (vec![], vec![]);
    let mut wide = 0;
    let mut carried_kind = None;
    let parts: Vec<_> = (0..2)
        .map(|part| {
            let mode = mode.to_string();
            std::thread::spawn(move || {
                let (mut fe, mut fl, mut wide) = (0, 0, 0);
                let (mut de, mut dl) = (vec![], vec![]);
                for seed in (lo..hi).filter(|s| s % 2 == part) {
                    let j = fs::read_to_string(format!("/tmp/team/data/{seed}.json")).unwrap();
                    let d = fs::read(format!("/tmp/team/data/{seed}.u16")).unwrap();
                    let cs = &j[j.find("\"camps\"").unwrap()..j.find("\"nu\"").unwrap()];
                    let camps: Vec<C> = cs
                        .split("{")
                        .skip(1)
                        .map(|c| C {
                            p: num(c, "p") as usize,
                            on: num(c, "on") as usize,
                            end: num(c, "end") as usize,
                            early: c.contains("\"early\": true"),
                        })
                        .collect();
                    let nus = &j[j.find("\"nu\"").unwrap()..];
                    let nus: Vec<f64> = nus[nus.find('[').unwrap() + 1..nus.find(']').unwrap()]
                        .split(',')
                        .map(|x| x.trim().parse().unwrap())
                        .collect();
                    let s = Settings { false_alarms_per_week: fa };
                    let mut w = Watch::new(s, carried_kind).unwrap();
                    if mode == "port" || mode == "kind" {
                        let mut r = R(seed + 777);
                        let mut pw = Watch::new(s, None).unwrap();
                        let P = 309;
                        let am: Vec<f64> = (0..P).map(|_| r.u() * 0.5).collect();
                        let ph: Vec<f64> = (0..P).map(|_| 0.6 + 0.1 * r.g()).collect();
                        let sd: Vec<f64> = (0..P).map(|_| 0.05 + 0.3 * r.u()).collect();
                        let rho: Vec<f64> = (0..P)
                            .map(|_| (-1.0 / (36f64.ln() + r.u() * (20f64.ln())).exp()).exp())
                            .collect();
                        let mut x: Vec<f64> = (0..P).map(|p| sd[p] * r.g()).collect();
                        for t in 0..4464 {
                            let mut b = vec![];
                            for p in 0..P {
                                x[p] =
                                    rho[p] * x[p] + sd[p] * (1.0 - rho[p] * rho[p]).sqrt() * r.g();
                                let l = nus[p]
                                    * (1.0
                                        + am[p]
                                            * (std::f64::consts::TAU
                                                * ((t % 144) as f64 / 144.0 - ph[p]))
                                                .cos())
                                    * (x[p] - sd[p] * sd[p] / 2.0).exp();
                                let k = r.p(l);
                                if k > 0 {
                                    b.push((SeriesId(p as u32), k))
                                }
                            }
                            pw.close_bin(&b);
                        }
                        if mode == "port" {
                            w = Watch::new(s, Some(pw.prior())).unwrap();
                            w.expect_scatter(KindId(0), pw.scatter_of(KindId(0)).unwrap());
                            for p in 0..P {
                                w.introduce(
                                    SeriesId(p as u32),
                                    KindId(0),
                                    pw.learned(SeriesId(p as u32)),
                                );
                            }
                        } else {
                            w = Watch::new(s, Some(pw.prior())).unwrap();
                            w.expect_scatter(KindId(0), pw.scatter_of(KindId(0)).unwrap());
                        }
                    }
                    let mut al: Vec<Vec<usize>> = vec![vec![]; 309];
                    for t in 0..4464 {
                        let b: Vec<_> = (0..309)
                            .filter_map(|p| {
                                let i = (t * 309 + p) * 2;
                                let c = u16::from_le_bytes([d[i], d[i + 1]]);
                                (c > 0).then_some((SeriesId(p as u32), c as u32))
                            })
                            .collect();
                        let r = w.close_bin(&b);
                        for x in &r.alarms {
                            al[x.series.0 as usize].push(t + 1)
                        }
                        if r.sensor_wide.is_some() {
                            wide += 1
                        }
                    }
                    for (p, v) in al.iter().enumerate() {
                        for &t in v {
                            if camps.iter().any(|c| c.p == p && c.on < t && t <= c.end + 144) {
                                continue;
                            }
                            if std::env::var("LIST").is_ok() {
                                println!(
                                    "seed {seed} false port {p} nu/h {:.3} t {t} camp {:?}",
                                    nus[p] * 6.0,
                                    camps
                                        .iter()
                                        .filter(|c| c.p == p)
                                        .map(|c| (c.on, c.end))
                                        .collect::<Vec<_>>()
                                )
                            }
                            if t <= 432 { fe += 1 } else { fl += 1 }
                        }
                    }
                    for c in &camps {
                        let f = al[c.p]
                            .iter()
                            .filter(|&&t| c.on < t && t <= (c.on + 432).min(c.end + 72))
                            .map(|t| (t - c.on) as f64 / 6.0)
                            .fold(f64::INFINITY, f64::min);
                        if c.early { de.push(f) } else { dl.push(f) }
                    }
                }
                (fe, fl, wide, de, dl)
            })
        })
        .collect();
    for p in parts {
        let r = p.join().unwrap();
        fe += r.0;
        fl += r.1;
        wide += r.2;
        de.extend(r.3);
        dl.extend(r.4)
    }
    let n = (hi - lo) as f64;
    let sh = |v: &mut Vec<f64>| {
        v.sort_by(f64::total_cmp);
        let f: Vec<_> = v.iter().copied().filter(|x| x.is_finite()).collect();
        (
            v.iter().filter(|x| **x <= 24.0).count() as f64 / v.len() as f64,
            v.len(),
            f.get(f.len() / 2).copied().unwrap_or(f64::NAN),
        )
    };
    println!(
        "{mode} fa {fa}: FA/week early {:.2} ({fe}) later {:.2} ({fl}) all {:.2}, wide {wide} | early {:?} later {:?}",
        fe as f64 / n / 3.0 * 7.0,
        fl as f64 / n / 28.0 * 7.0,
        (fe + fl) as f64 / n / 31.0 * 7.0,
        sh(&mut de),
        sh(&mut dl)
    );
}
